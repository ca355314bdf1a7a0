import type { ObjectPart } from '../../../objects/object-attributes.ts'
import type { Checksum, ObjectFacts } from '../../../objects/types.ts'
import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { checksumElements } from '../../checksum-headers.ts'
import { customerKeyOfRead } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { conditions } from '../../object-headers.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { readNeed } from './get-object.ts'

/** In the order in which S3 answers them. */
const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const
type Attribute = (typeof ATTRIBUTES)[number]

const HEADER = 'x-amz-object-attributes'
const MAX_PARTS_OF_PAGE = 1000

export const getObjectAttributes: Operation = {
  name: 'GetObjectAttributes',
  method: 'GET',
  target: 'object',
  query: { attributes: undefined },
  action: 's3:GetObjectAttributes',
  // As S3 asks for it: leave to read the object, and leave to read its attributes.
  access({ bucket, objectKey, query }) {
    const versionId = query.get('versionId')
    const action = versionId === undefined ? 's3:GetObjectAttributes' : 's3:GetObjectVersionAttributes'
    return [readNeed(bucket, objectKey, versionId), { action, bucket, objectKey, versionId }]
  },
  audit: 'data',
  readOnly: true,
  body: { kind: 'none' },
  async run({ attributes }, request) {
    const { bucket, objectKey, query, headers, call } = request
    const wanted = readAttributes(headers)
    const page = {
      after: readNumber(request, 'x-amz-part-number-marker') ?? 0,
      limit: Math.min(readNumber(request, 'x-amz-max-parts') ?? MAX_PARTS_OF_PAGE, MAX_PARTS_OF_PAGE),
    }
    const customerKey = customerKeyOfRead(headers, call.secureTransport)
    try {
      const input = {
        bucket,
        objectKey,
        versionId: query.get('versionId'),
        conditions: conditions(headers),
        customerKey,
      }
      const { facts, parts } = await attributes.read(call, input)
      const { versionId, lastModifiedMs, plaintextSize, protection } = facts
      const { method, kmsKeyArn } = protection
      Object.assign(request.notes, { versionId, encryption: method, kmsKeyArn, objectSize: plaintextSize })
      const pieces = attributePieces(facts, parts, page)
      return {
        status: 200,
        headers: {
          'content-type': 'application/xml',
          'last-modified': new Date(lastModifiedMs).toUTCString(),
          'x-amz-version-id': versionId,
        },
        body: document(
          'GetObjectAttributesResponse',
          ATTRIBUTES.filter((one) => wanted.has(one)).map((one) => pieces[one]),
        ),
      }
    } finally {
      customerKey?.key.wipe()
    }
  },
}

interface Page {
  readonly after: number
  readonly limit: number
}

/** One list, with commas; empty names count, but not at its end. Throws S3Error InvalidRequest or InvalidArgument. */
function readAttributes(headers: S3Request['headers']): ReadonlySet<string> {
  const header = headers[HEADER]
  const names = header === undefined ? [] : String(header).split(',')
  if (header !== '') while (names.at(-1) === '') names.pop()
  if (names.length === 0) {
    const message = `The ${HEADER} header specifying the attributes to be retrieved is either missing or empty`
    throw new S3Error('InvalidRequest', { message })
  }
  const read = names.map((name) => name.trim())
  const unknown = read.find((name) => !(ATTRIBUTES as readonly string[]).includes(name))
  if (unknown !== undefined) {
    const fields = { ArgumentName: HEADER, ArgumentValue: unknown }
    throw new S3Error('InvalidArgument', { message: 'Invalid attribute name specified.', fields })
  }
  return new Set(read)
}

/** Throws S3Error InvalidArgument. */
function readNumber({ headers }: S3Request, name: string): number | undefined {
  const given = headers[name]
  if (given === undefined) return undefined
  const text = String(given)
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text)
  const message = `Provided ${name} not an integer or within integer range`
  throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: name, ArgumentValue: text } })
}

function attributePieces(
  { etag, checksum, headers, plaintextSize }: ObjectFacts,
  parts: readonly ObjectPart[] | undefined,
  page: Page,
): Record<Attribute, XmlPiece> {
  return {
    ETag: element('ETag', etag),
    Checksum: element('Checksum', checksum && checksumElements(checksum)),
    ObjectParts: element('ObjectParts', parts && partsPieces(parts, checksum, page)),
    StorageClass: element('StorageClass', headers['x-amz-storage-class'] ?? 'STANDARD'),
    ObjectSize: element('ObjectSize', plaintextSize),
  }
}

/** S3 tells parts one by one only where they have checksums of their own; else how many there are. */
function partsPieces(parts: readonly ObjectPart[], checksum: Checksum | undefined, { after, limit }: Page): XmlPiece[] {
  const count = element('PartsCount', parts.length)
  if (checksum?.type !== 'COMPOSITE') return [count]
  const left = parts.filter(({ partNumber }) => partNumber > after)
  const listed = left.slice(0, limit)
  return [
    count,
    element('PartNumberMarker', after),
    element('NextPartNumberMarker', listed.at(-1)?.partNumber ?? after),
    element('MaxParts', limit),
    element('IsTruncated', listed.length < left.length),
    ...listed.map((part) =>
      element('Part', [
        element('PartNumber', part.partNumber),
        element('Size', part.plaintextSize),
        element(`Checksum${checksum.algorithm}`, part.checksum),
      ]),
    ),
  ]
}
