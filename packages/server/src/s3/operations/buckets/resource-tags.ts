/** The tags of a bucket by its ARN, one by one (S3 Control's ListTagsForResource, TagResource and UntagResource). */
import type { Tags } from '../../../objects/types.ts'
import { element, xmlDocument } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation, S3Request } from '../../operation.ts'
import type { S3Services } from '../../services.ts'
import { BUCKET_TAGS, checkTags, readTagElements, tagElements } from '../../tags.ts'
import { childrenNamed, onlyChild, readXml } from '../../xml-reader.ts'

const base = { target: 'resource', audit: 'management' } as const
const NAMESPACE = 'http://awss3control.amazonaws.com/doc/2018-08-20/'

export const listTagsForResource: Operation = {
  ...base,
  name: 'ListTagsForResource',
  method: 'GET',
  action: 's3:ListTagsForResource',
  readOnly: true,
  body: { kind: 'none' },
  async run(services, request) {
    await requireOwner(services, request)
    const tags = (await services.buckets.tags(request.call, request.bucket)) ?? []
    const body = xmlDocument('ListTagsForResourceResult', NAMESPACE, [element('Tags', tagElements(tags))])
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}

export const tagResource: Operation = {
  ...base,
  name: 'TagResource',
  method: 'POST',
  action: 's3:TagResource',
  // What it needs depends on the tags, which stand in the body.
  access: () => [],
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run(services, request) {
    const root = readXml(await request.document())
    const set = onlyChild(root, 'Tags')
    if (root.name !== 'TagResourceRequest' || !set) throw new S3Error('MalformedXML')
    const given = readTagElements(childrenNamed(set, 'Tag'), BUCKET_TAGS)
    const { bucket } = request
    await request.authorize({ action: 's3:TagResource', bucket, requestTags: given })
    const keys = new Set(given.map(([key]) => key))
    await change(services, request, (tags) =>
      checkTags([...tags.filter(([key]) => !keys.has(key)), ...given], BUCKET_TAGS),
    )
    return { status: 204 }
  },
}

export const untagResource: Operation = {
  ...base,
  name: 'UntagResource',
  method: 'DELETE',
  query: { tagKeys: undefined },
  action: 's3:UntagResource',
  access: ({ bucket, rawQuery }) => [{ action: 's3:UntagResource', bucket, removedTagKeys: tagKeys(rawQuery) }],
  readOnly: false,
  body: { kind: 'none' },
  async run(services, request) {
    const keys = new Set(tagKeys(request.rawQuery))
    await change(services, request, (tags) => tags.filter(([key]) => !keys.has(key)))
    return { status: 204 }
  },
}

const tagKeys = (rawQuery: string) => new URLSearchParams(rawQuery).getAll('tagKeys')

/** Throws AccessDenied where the bucket is another account's than the header names. */
async function requireOwner({ buckets }: S3Services, { call, bucket, headers }: S3Request): Promise<void> {
  await buckets.requireExpectedOwner(call, bucket, String(headers['x-amz-account-id']))
}

async function change(services: S3Services, request: S3Request, changed: (tags: Tags) => Tags): Promise<void> {
  await requireOwner(services, request)
  await services.buckets.change(request.call, request.bucket, ({ tags = [], ...record }) => {
    const left = changed(tags)
    return left.length === 0 ? record : { ...record, tags: left }
  })
}
