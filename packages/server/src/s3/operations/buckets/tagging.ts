/** A bucket's tag set. */
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { BUCKET_TAGS, readTagging, taggingDocument } from '../../tags.ts'

const base = { target: 'bucket', query: { tagging: undefined }, audit: 'management' } as const

export const getBucketTagging: Operation = {
  ...base,
  name: 'GetBucketTagging',
  method: 'GET',
  action: 's3:GetBucketTagging',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    const tags = await buckets.tags(call, bucket)
    if (!tags) throw new S3Error('NoSuchTagSet', { fields: { BucketName: bucket } })
    return { status: 200, headers: { 'content-type': 'application/xml' }, body: taggingDocument(tags) }
  },
}

export const putBucketTagging: Operation = {
  ...base,
  name: 'PutBucketTagging',
  method: 'PUT',
  action: 's3:PutBucketTagging',
  // What it needs depends on the tags, which stand in the body.
  access: () => [],
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    const { call, bucket } = request
    const tags = readTagging(await request.document(), BUCKET_TAGS)
    await request.authorize({ action: 's3:PutBucketTagging', bucket, requestTags: tags })
    await buckets.putTags(call, bucket, tags.length === 0 ? undefined : tags)
    return { status: 204 }
  },
}

export const deleteBucketTagging: Operation = {
  ...base,
  name: 'DeleteBucketTagging',
  method: 'DELETE',
  action: 's3:PutBucketTagging',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    await buckets.putTags(call, bucket, undefined)
    return { status: 204 }
  },
}
