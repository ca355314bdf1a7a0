/** Checksums on the wire: headers and XML elements (AWS S3 user guide, "Checking object integrity"). Pure. */
import type { UploadChecksum } from '../objects/records.ts'
import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../objects/types.ts'
import { element, type XmlPiece } from '../protocols/xml-writer.ts'
import { S3Error } from './errors.ts'
import { childText, type XmlElement } from './xml-reader.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>
type PlainChecksum = Pick<Checksum, 'algorithm' | 'value'>

/** Algorithms by header name, with the length of their values in bytes. */
export const CHECKSUM_HEADERS: Readonly<Record<string, readonly [algorithm: ChecksumAlgorithm, bytes: number]>> = {
  'x-amz-checksum-crc32': ['CRC32', 4],
  'x-amz-checksum-crc32c': ['CRC32C', 4],
  'x-amz-checksum-crc64nvme': ['CRC64NVME', 8],
  'x-amz-checksum-sha1': ['SHA1', 20],
  'x-amz-checksum-sha256': ['SHA256', 32],
}

const ALGORITHMS = Object.values(CHECKSUM_HEADERS).map(([algorithm]) => algorithm)

/** Which types an algorithm can have over the parts of an upload; the first is what it has where none is named. */
const TYPES: Readonly<Record<ChecksumAlgorithm, readonly ChecksumType[]>> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
}

/** What `x-amz-checksum-algorithm` names. Throws S3Error InvalidRequest. */
export function readChecksumAlgorithm(headers: Headers): ChecksumAlgorithm | undefined {
  const header = headers['x-amz-checksum-algorithm']
  if (header === undefined) return undefined
  const found = ALGORITHMS.find((algorithm) => algorithm === String(header).toUpperCase())
  if (!found) {
    const message = `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${ALGORITHMS.join(', ')}]`
    throw new S3Error('InvalidRequest', { message })
  }
  return found
}

/** What `x-amz-checksum-type` names. Throws S3Error InvalidRequest. */
export function readChecksumType(headers: Headers): ChecksumType | undefined {
  const header = headers['x-amz-checksum-type']
  if (header === undefined || header === 'FULL_OBJECT' || header === 'COMPOSITE') return header
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' })
}

/** Whether a digest of the body is given, by header or by trailer. */
export const isPromised = (headers: Headers) =>
  Object.keys(headers).some((name) => name === 'content-md5' || name === 'x-amz-trailer' || name in CHECKSUM_HEADERS)

/** Of bodies that S3 takes only where something is promised of them. Throws S3Error InvalidRequest. */
export function requirePromise(headers: Headers): void {
  if (!isPromised(headers))
    throw new S3Error('InvalidRequest', { message: 'Missing required header for this request: Content-MD5' })
}

/** The checksum that a multipart upload is created with. Throws S3Error InvalidRequest. */
export function readUploadChecksum(headers: Headers): UploadChecksum {
  const algorithm = readChecksumAlgorithm(headers)
  const type = readChecksumType(headers)
  if (!algorithm) {
    if (type) {
      const message = 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.'
      throw new S3Error('InvalidRequest', { message })
    }
    return { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', declared: false }
  }
  const possible = TYPES[algorithm]
  if (type && !possible.includes(type)) {
    const message = `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`
    throw new S3Error('InvalidRequest', { message })
  }
  return { algorithm, type: type ?? possible[0]!, declared: true }
}

/** The one checksum value that the headers hold. Throws S3Error InvalidRequest for several, or for no base64. */
export function readChecksum(headers: Headers): PlainChecksum | undefined {
  const given = Object.keys(CHECKSUM_HEADERS).filter((name) => headers[name] !== undefined)
  if (given.length > 1) throw severalChecksums()
  const header = given[0]
  if (header === undefined) return undefined
  const [algorithm, bytes] = CHECKSUM_HEADERS[header]!
  const value = String(headers[header])
  // A composite one carries the number of parts.
  if (!isBase64Of(value.replace(/-\d+$/, ''), bytes)) throw invalidChecksum(header)
  return { algorithm, value }
}

export const severalChecksums = () =>
  new S3Error('InvalidRequest', {
    message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  })

export const invalidChecksum = (header: string) =>
  new S3Error('InvalidRequest', { message: `Value for ${header} header is invalid.` })

export function isBase64Of(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === text
}

export function checksumHeaders(checksum: (PlainChecksum & { type?: ChecksumType }) | undefined) {
  if (!checksum) return {}
  return {
    [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value,
    'x-amz-checksum-type': checksum.type,
  }
}

export function checksumElements(checksum: (PlainChecksum & { type?: ChecksumType }) | undefined): XmlPiece[] {
  if (!checksum) return []
  return [element(`Checksum${checksum.algorithm}`, checksum.value), element('ChecksumType', checksum.type)]
}

/** The checksum that an element such as a listed part holds. */
export function checksumOfElement(parent: XmlElement): PlainChecksum | undefined {
  for (const algorithm of ALGORITHMS) {
    const value = childText(parent, `Checksum${algorithm}`)
    if (value !== undefined) return { algorithm, value }
  }
  return undefined
}
