/** ListMultipartUploads and ListParts. */
import type { UploadRecord } from '../../../objects/records.ts'
import { readUploadId } from '../../../objects/upload-id.ts'
import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { ownerElement, prefixElements, readEncoding, readLimit, readListInput } from '../listing/list-input.ts'

const XML = { 'content-type': 'application/xml' }

export const listMultipartUploads: Operation = {
  name: 'ListMultipartUploads',
  method: 'GET',
  target: 'bucket',
  query: { uploads: undefined },
  action: 's3:ListBucketMultipartUploads',
  audit: 'management',
  readOnly: true,
  body: { kind: 'none' },
  async run({ accounts, listing }, request) {
    const { query, call } = request
    const input = readListInput(request, 'max-uploads')
    const keyMarker = query.get('key-marker') ?? ''
    // Without a key marker S3 ignores it.
    const uploadIdMarker = keyMarker === '' ? '' : (query.get('upload-id-marker') ?? '')
    const page = await listing.uploads(call, { ...input, keyMarker, uploadIdMarker: readMarker(uploadIdMarker) })
    const isTruncated = page.nextKeyMarker !== undefined
    return {
      status: 200,
      headers: XML,
      body: document('ListMultipartUploadsResult', [
        element('Bucket', request.bucket),
        element('KeyMarker', input.encode(keyMarker)),
        element('UploadIdMarker', uploadIdMarker),
        element('NextKeyMarker', isTruncated ? input.encode(page.nextKeyMarker) : undefined),
        element('NextUploadIdMarker', isTruncated ? (page.nextUploadIdMarker ?? '') : undefined),
        element('Prefix', input.encode(input.prefix)),
        element('Delimiter', input.delimiter === '' ? undefined : input.encode(input.delimiter)),
        element('EncodingType', input.encodingType),
        element('MaxUploads', input.maxKeys),
        element('IsTruncated', isTruncated),
        ...page.entries.map(({ objectKey, uploadId, ownerAccountId, upload }) =>
          element('Upload', [
            element('Key', input.encode(objectKey)),
            element('UploadId', uploadId),
            initiatorElement(upload),
            ownerElement(accounts, ownerAccountId),
            storageClassElement(upload),
            element('Initiated', new Date(upload.initiatedAtMs).toISOString()),
            ...checksumOf(upload),
          ]),
        ),
        ...prefixElements(page.commonPrefixes, input.encode),
      ]),
    }
  },
}

export const listParts: Operation = {
  name: 'ListParts',
  method: 'GET',
  target: 'object',
  query: { uploadId: undefined },
  action: 's3:ListMultipartUploadParts',
  audit: 'data',
  readOnly: true,
  body: { kind: 'none' },
  async run({ accounts, multipart }, request) {
    const { bucket, objectKey, query, call } = request
    const uploadId = query.get('uploadId')!
    const limit = readLimit(request, 'max-parts')
    const marker = readPartMarker(query.get('part-number-marker'))
    const { encode, encodingType } = readEncoding(request)
    const { upload, ownerAccountId, parts, isTruncated } = await multipart.listParts(
      call,
      { bucket, objectKey, uploadId },
      marker,
      limit,
    )
    const { checksum } = upload
    return {
      status: 200,
      headers: XML,
      body: document('ListPartsResult', [
        element('Bucket', bucket),
        element('Key', encode(objectKey)),
        element('EncodingType', encodingType),
        element('UploadId', uploadId),
        initiatorElement(upload),
        ownerElement(accounts, ownerAccountId),
        storageClassElement(upload),
        element('PartNumberMarker', marker),
        element('NextPartNumberMarker', parts.at(-1)?.partNumber ?? 0),
        element('MaxParts', limit),
        element('IsTruncated', isTruncated),
        ...checksumOf(upload),
        ...parts.map((part) =>
          element('Part', [
            element('PartNumber', part.partNumber),
            element('LastModified', new Date(part.lastModifiedMs).toISOString()),
            element('ETag', `"${part.etag}"`),
            element('Size', part.stream.plaintextSize),
            element(`Checksum${checksum.algorithm}`, checksum.declared ? part.checksum : undefined),
          ]),
        ),
      ]),
    }
  },
}

function readMarker(text: string) {
  if (text === '') return undefined
  const id = readUploadId(text)
  if (id) return id
  const fields = { ArgumentName: 'upload-id-marker', ArgumentValue: text }
  throw new S3Error('InvalidArgument', { message: 'Invalid uploadId marker', fields })
}

function readPartMarker(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (/^\d{1,9}$/.test(text)) return Number(text)
  const message = 'Argument part-number-marker must be an integer between 0 and 2147483647'
  const fields = { ArgumentName: 'part-number-marker', ArgumentValue: text }
  throw new S3Error('InvalidArgument', { message, fields })
}

const initiatorElement = ({ initiator }: UploadRecord): XmlPiece =>
  element('Initiator', [element('ID', initiator.arn), element('DisplayName', initiator.displayName)])

const storageClassElement = ({ headers }: UploadRecord): XmlPiece =>
  element('StorageClass', headers['x-amz-storage-class'] ?? 'STANDARD')

const checksumOf = ({ checksum: { algorithm, type, declared } }: UploadRecord): XmlPiece[] =>
  declared ? [element('ChecksumAlgorithm', algorithm), element('ChecksumType', type)] : []
