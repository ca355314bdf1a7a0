import { type ListedPart, MAX_PARTS } from '../../../objects/completion.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import { checksumElements, checksumOfElement, readChecksum, readChecksumType } from '../../checksum-headers.ts'
import { customerKeyOfPart, protectionHeaders } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { locationOf } from '../../location.ts'
import { conditions } from '../../object-headers.ts'
import type { Operation } from '../../operation.ts'
import { childrenNamed, childText, readXml } from '../../xml-reader.ts'

export const completeMultipartUpload: Operation = {
  name: 'CompleteMultipartUpload',
  method: 'POST',
  target: 'object',
  query: { uploadId: undefined },
  action: 's3:PutObject',
  audit: 'data',
  readOnly: false,
  body: { kind: 'document', maxBytes: 4 * 1024 * 1024 },
  async run({ multipart }, request) {
    const { bucket, objectKey, query, headers, call, notes } = request
    // Taken where it is sent, but no byte is sealed here.
    customerKeyOfPart(headers, call.secureTransport)?.key.wipe()
    const facts = await multipart.complete(call, {
      bucket,
      objectKey,
      uploadId: query.get('uploadId')!,
      parts: readParts(await request.document()),
      conditions: conditions(headers),
      objectSize: readObjectSize(headers['x-amz-mp-object-size']),
      checksum: readChecksum(headers),
      checksumType: readChecksumType(headers),
    })
    const { protection, versionId, checksum } = facts
    Object.assign(notes, { versionId, encryption: protection.method, kmsKeyArn: protection.kmsKeyArn })
    return {
      status: 200,
      headers: {
        'content-type': 'application/xml',
        'x-amz-version-id': versionId,
        ...(protection.method !== 'SSE-C' && protectionHeaders(protection, undefined)),
      },
      body: document('CompleteMultipartUploadResult', [
        element('Location', locationOf(request)),
        element('Bucket', bucket),
        element('Key', objectKey),
        element('ETag', `"${facts.etag}"`),
        ...checksumElements(checksum),
      ]),
    }
  },
}

/** Throws S3Error MalformedXML. */
function readParts(bytes: Uint8Array): ListedPart[] {
  const root = readXml(bytes)
  const parts = childrenNamed(root, 'Part').map((part) => {
    const partNumber = childText(part, 'PartNumber')?.trim() ?? ''
    const etag = childText(part, 'ETag')?.trim()
    if (!/^\d{1,5}$/.test(partNumber) || etag === undefined) throw new S3Error('MalformedXML')
    return {
      partNumber: Number(partNumber),
      etag: etag.replace(/^"(.*)"$/, '$1'),
      checksum: checksumOfElement(part),
    }
  })
  if (root.name !== 'CompleteMultipartUpload' || parts.length === 0 || parts.length > MAX_PARTS) {
    throw new S3Error('MalformedXML')
  }
  return parts
}

function readObjectSize(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined
  const size = /^\d{1,16}$/.test(String(header)) ? Number(header) : Number.NaN
  if (Number.isSafeInteger(size)) return size
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-mp-object-size header is invalid.' })
}
