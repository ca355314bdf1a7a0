/** A bucket's Object Lock: whether there is one, and what new versions are locked by. */
import { withObjectLock } from '../../../objects/object-lock.ts'
import { requirePromise } from '../../checksum-headers.ts'
import { S3Error } from '../../errors.ts'
import { objectLockConfigurationDocument, readObjectLockConfiguration } from '../../object-lock.ts'
import type { Operation } from '../../operation.ts'

const base = { target: 'bucket', query: { 'object-lock': undefined }, audit: 'management' } as const

export const getObjectLockConfiguration: Operation = {
  ...base,
  name: 'GetObjectLockConfiguration',
  method: 'GET',
  action: 's3:GetBucketObjectLockConfiguration',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    const { objectLock } = (await buckets.require(call, bucket)).value
    if (!objectLock) throw new S3Error('ObjectLockConfigurationNotFoundError', { fields: { BucketName: bucket } })
    const body = objectLockConfigurationDocument(objectLock)
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}

export const putObjectLockConfiguration: Operation = {
  ...base,
  name: 'PutObjectLockConfiguration',
  method: 'PUT',
  action: 's3:PutBucketObjectLockConfiguration',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    requirePromise(request.headers)
    const configuration = readObjectLockConfiguration(await request.document())
    await buckets.change(request.call, request.bucket, (record) => withObjectLock(record, configuration))
    return { status: 200 }
  },
}
