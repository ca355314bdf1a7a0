/** Whether access by tags was switched on for a bucket, which S3 asks for: nobody can switch it on here. */
import { document, element } from '../../../protocols/xml-writer.ts'
import type { Operation } from '../../operation.ts'

export const getBucketAbac: Operation = {
  name: 'GetBucketAbac',
  method: 'GET',
  target: 'bucket',
  query: { abac: undefined },
  action: 's3:GetBucketAbac',
  audit: 'management',
  readOnly: true,
  body: { kind: 'none' },
  limits: 'answers `Disabled`',
  async run({ buckets }, { call, bucket }) {
    await buckets.require(call, bucket)
    const body = document('AbacStatus', [element('Status', 'Disabled')])
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}
