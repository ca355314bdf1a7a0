/** Who pays for requests: always the bucket's owner. */
import { document, element } from '../../../protocols/xml-writer.ts'
import { requirePromise } from '../../checksum-headers.ts'
import { S3Error } from '../../errors.ts'
import { notImplemented } from '../../not-implemented.ts'
import type { Operation } from '../../operation.ts'
import { childText, readXml } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { requestPayment: undefined }, audit: 'management' } as const

export const getBucketRequestPayment: Operation = {
  ...base,
  name: 'GetBucketRequestPayment',
  method: 'GET',
  action: 's3:GetBucketRequestPayment',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    await buckets.require(call, bucket)
    const body = document('RequestPaymentConfiguration', [element('Payer', 'BucketOwner')])
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}

export const putBucketRequestPayment: Operation = {
  ...base,
  name: 'PutBucketRequestPayment',
  method: 'PUT',
  action: 's3:PutBucketRequestPayment',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  limits: 'only `BucketOwner`',
  async run({ buckets }, request) {
    requirePromise(request.headers)
    const root = readXml(await request.document())
    const payer = childText(root, 'Payer')
    if (root.name !== 'RequestPaymentConfiguration' || (payer !== 'BucketOwner' && payer !== 'Requester')) {
      throw new S3Error('MalformedXML')
    }
    if (payer === 'Requester') throw notImplemented(request.operation.name, payer)
    await buckets.require(request.call, request.bucket)
    return { status: 200 }
  },
}
