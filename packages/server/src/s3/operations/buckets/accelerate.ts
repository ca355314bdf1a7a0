/** Transfer acceleration, which no bucket has here: it can be suspended, and is then said to be so. */
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import { notImplemented } from '../../not-implemented.ts'
import type { Operation } from '../../operation.ts'
import { childText, readXml } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { accelerate: undefined }, audit: 'management' } as const

export const getBucketAccelerateConfiguration: Operation = {
  ...base,
  name: 'GetBucketAccelerateConfiguration',
  method: 'GET',
  action: 's3:GetAccelerateConfiguration',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    const { acceleration } = (await buckets.require(call, bucket)).value
    const body = document('AccelerateConfiguration', [element('Status', acceleration)])
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}

export const putBucketAccelerateConfiguration: Operation = {
  ...base,
  name: 'PutBucketAccelerateConfiguration',
  method: 'PUT',
  action: 's3:PutAccelerateConfiguration',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  limits: 'only `Suspended`',
  async run({ buckets }, request) {
    const root = readXml(await request.document())
    const status = childText(root, 'Status')
    if (root.name !== 'AccelerateConfiguration' || (status !== 'Enabled' && status !== 'Suspended')) {
      throw new S3Error('MalformedXML')
    }
    if (status === 'Enabled') throw notImplemented(request.operation.name, status)
    await buckets.change(request.call, request.bucket, (record) => ({ ...record, acceleration: status }))
    return { status: 200 }
  },
}
