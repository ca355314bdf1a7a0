/** A bucket's versioning state. */

import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childText, readXml } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { versioning: undefined }, audit: 'management' } as const

export const getBucketVersioning: Operation = {
  ...base,
  name: 'GetBucketVersioning',
  method: 'GET',
  action: 's3:GetBucketVersioning',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const status = await buckets.versioning(request.call, request.bucket)
    const body = document('VersioningConfiguration', [element('Status', status)])
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}

export const putBucketVersioning: Operation = {
  ...base,
  name: 'PutBucketVersioning',
  method: 'PUT',
  action: 's3:PutBucketVersioning',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    const root = readXml(await request.document())
    const status = childText(root, 'Status')
    if (root.name !== 'VersioningConfiguration' || (status !== 'Enabled' && status !== 'Suspended')) {
      throw new S3Error('MalformedXML')
    }
    if (childText(root, 'MfaDelete') === 'Enabled') {
      throw new S3Error('NotImplemented', { message: 'MFA Delete is not implemented.' })
    }
    await buckets.putVersioning(request.call, request.bucket, status)
    return { status: 200 }
  },
}
