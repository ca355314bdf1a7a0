import type { PartResult } from '../../../objects/multipart-types.ts'
import type { CustomerKey } from '../../../objects/types.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import { checksumElements, checksumHeaders } from '../../checksum-headers.ts'
import { readCopySource } from '../../copy-source.ts'
import { customerKeyOfCopySource, customerKeyOfPart, protectionHeaders } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { conditions } from '../../object-headers.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { copyNeeds } from '../objects/copy-object.ts'
import { readPartNumber } from './part-number.ts'

export const uploadPart: Operation = {
  name: 'UploadPart',
  method: 'PUT',
  target: 'object',
  query: { uploadId: undefined, partNumber: undefined },
  action: 's3:PutObject',
  audit: 'data',
  readOnly: false,
  body: { kind: 'stream' },
  async run({ multipart }, request) {
    const target = readTarget(request)
    const customerKey = customerKeyOfPart(request.headers, request.call.secureTransport)
    try {
      const part = await multipart.uploadPart(request.call, target, request.body(), customerKey)
      note(request, part)
      return {
        status: 200,
        headers: {
          etag: `"${part.etag}"`,
          ...protectionHeaders(part.protection, customerKey),
          ...checksumHeaders(part.checksum),
        },
      }
    } finally {
      customerKey?.key.wipe()
    }
  },
}

export const uploadPartCopy: Operation = {
  ...uploadPart,
  name: 'UploadPartCopy',
  header: 'x-amz-copy-source',
  access: copyNeeds,
  body: { kind: 'none' },
  async run({ multipart }, request) {
    const { headers, call } = request
    const target = readTarget(request)
    const range = readSourceRange(headers['x-amz-copy-source-range'])
    const customerKey = customerKeyOfPart(headers, call.secureTransport)
    let sourceKey: CustomerKey | undefined
    try {
      sourceKey = customerKeyOfCopySource(headers, call.secureTransport)
      const source = {
        ...readCopySource(String(headers['x-amz-copy-source'])),
        conditions: conditions(headers, 'x-amz-copy-source-'),
        customerKey: sourceKey,
      }
      const part = await multipart.uploadPartCopy(call, target, source, range, customerKey)
      note(request, part)
      return {
        status: 200,
        headers: {
          'content-type': 'application/xml',
          'x-amz-copy-source-version-id': part.sourceVersionId,
          ...protectionHeaders(part.protection, customerKey),
        },
        body: document('CopyPartResult', [
          element('LastModified', new Date(part.lastModifiedMs).toISOString()),
          element('ETag', `"${part.etag}"`),
          ...checksumElements(part.checksum),
        ]),
      }
    } finally {
      customerKey?.key.wipe()
      sourceKey?.key.wipe()
    }
  },
}

function readTarget({ bucket, objectKey, query }: S3Request) {
  const partNumber = readPartNumber(query.get('partNumber')!)
  return { bucket, objectKey, uploadId: query.get('uploadId')!, partNumber }
}

/** Unlike a GET's, this range has both ends and lies within its source. */
function readSourceRange(header: string | string[] | undefined) {
  if (header === undefined) return undefined
  const match = /^bytes=(\d+)-(\d+)$/.exec(String(header))
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (match && first <= last) return { first, last }
  throw new S3Error('InvalidArgument', {
    message:
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    fields: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: String(header) },
  })
}

function note({ notes }: S3Request, { protection, plaintextSize }: PartResult): void {
  Object.assign(notes, {
    encryption: protection.method,
    kmsKeyArn: protection.kmsKeyArn,
    bytesIn: plaintextSize,
    objectSize: plaintextSize,
  })
}
