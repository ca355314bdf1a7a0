/** Headers of objects: what is stored, what is asked, what is answered. Pure. */
import type {
  Conditions,
  ObjectFacts,
  RequestedRange,
  StoredHeader,
  StoredHeaders,
  UserMetadata,
} from '../objects/types.ts'
import { STORED_HEADERS } from '../objects/types.ts'
import { S3Error } from './errors.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const META = 'x-amz-meta-'
const MAX_METADATA_BYTES = 2048
const STORAGE_CLASSES = new Set(
  'STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER DEEP_ARCHIVE GLACIER_IR'.split(' '),
)

/** Throws S3Error InvalidStorageClass. */
export function storedHeaders(headers: Headers): StoredHeaders {
  const stored: Partial<Record<StoredHeader, string>> = {}
  for (const name of STORED_HEADERS) {
    const value = headers[name]
    if (value !== undefined) stored[name] = String(value)
  }
  const storageClass = stored['x-amz-storage-class']
  if (storageClass !== undefined && !STORAGE_CLASSES.has(storageClass)) throw new S3Error('InvalidStorageClass')
  // The transfer's own framing is no property of the object.
  const encoding = stored['content-encoding']
    ?.split(',')
    .map((token) => token.trim())
    .filter((token) => token !== 'aws-chunked' && token !== '')
  if (encoding) {
    if (encoding.length === 0) delete stored['content-encoding']
    else stored['content-encoding'] = encoding.join(',')
  }
  return stored
}

/** Byte for byte, from the raw headers; repeated names are joined by a comma. Throws S3Error MetadataTooLarge. */
export function userMetadata(rawHeaders: readonly string[]): UserMetadata {
  const found = new Map<string, string>()
  let size = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]!.toLowerCase()
    if (!header.startsWith(META)) continue
    const name = header.slice(META.length)
    const value = rawHeaders[i + 1]!
    size += name.length + value.length
    const before = found.get(name)
    found.set(name, before === undefined ? value : `${before},${value}`)
  }
  if (size > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', {
      fields: { Size: String(size), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    })
  }
  return [...found]
}

/** Conditions by header, with a prefix for those of a copy's source. Dates that cannot be read count as absent. */
export function conditions(headers: Headers, prefix = ''): Conditions {
  return {
    ifMatch: etags(headers[`${prefix}if-match`]),
    ifNoneMatch: etags(headers[`${prefix}if-none-match`]),
    ifModifiedSinceMs: date(headers[`${prefix}if-modified-since`]),
    ifUnmodifiedSinceMs: date(headers[`${prefix}if-unmodified-since`]),
  }
}

/** One range; undefined for none, for several and for what is not one: S3 then answers with the whole object. */
export function requestedRange(header: string | undefined): RequestedRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '') return last === '' ? undefined : { suffix: Number(last) }
  if (last !== '' && Number(last) < Number(first)) return undefined
  return { first: Number(first), last: last === '' ? undefined : Number(last) }
}

/** What GET and HEAD say of an object, without what its protection adds. */
export function objectHeaders(facts: ObjectFacts): Record<string, string | undefined> {
  const { 'x-amz-storage-class': storageClass, ...headers } = facts.headers
  return {
    'content-type': 'binary/octet-stream',
    ...headers,
    'accept-ranges': 'bytes',
    etag: `"${facts.etag}"`,
    'last-modified': new Date(facts.lastModifiedMs).toUTCString(),
    'x-amz-version-id': facts.versionId,
    'x-amz-storage-class': storageClass === 'STANDARD' ? undefined : storageClass,
  }
}

function etags(header: string | string[] | undefined): readonly string[] | undefined {
  if (header === undefined) return undefined
  return String(header)
    .split(',')
    .map((etag) =>
      etag
        .trim()
        .replace(/^W\//, '')
        .replace(/^"(.*)"$/, '$1'),
    )
}

function date(header: string | string[] | undefined): number | undefined {
  const ms = Date.parse(String(header ?? ''))
  return Number.isNaN(ms) ? undefined : ms
}
