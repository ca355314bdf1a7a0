/** Tags on the wire: the rules of tag sets, and their three spellings (AWS S3 user guide, "Object tagging"). Pure. */
import type { Tags } from '../objects/types.ts'
import { document, element, type XmlPiece } from '../protocols/xml-writer.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './operation.ts'
import { childrenNamed, onlyChild, readXml, type XmlElement } from './xml-reader.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

interface TagLimits {
  readonly most: number
  readonly tooMany: string
  /** What is said of a key that AWS keeps for itself. */
  readonly reserved: string
}

export const OBJECT_TAGS: TagLimits = {
  most: 10,
  tooMany: 'Object tags cannot be greater than 10',
  reserved: 'Your TagKey cannot be prefixed with aws:',
}
export const BUCKET_TAGS: TagLimits = {
  most: 50,
  tooMany: 'Bucket tag count cannot be greater than 50',
  reserved: 'System tags cannot be added/updated by requester',
}

/** In UTF-16 code units, as AWS counts them. */
const MAX_KEY = 128
const MAX_VALUE = 256
/** Letters, numbers, spaces and a few signs. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const TAGGING_HEADER = 'x-amz-tagging'

/** A `Tagging` document. Throws S3Error MalformedXML, InvalidTag or BadRequest. */
export function readTagging(bytes: Uint8Array, limits: TagLimits): Tags {
  const root = readXml(bytes)
  const set = onlyChild(root, 'TagSet')
  if (root.name !== 'Tagging' || !set) throw new S3Error('MalformedXML')
  return readTagElements(childrenNamed(set, 'Tag'), limits)
}

/** `Tag` elements of any document. Throws as `readTagging`. */
export function readTagElements(elements: readonly XmlElement[], limits: TagLimits): Tags {
  const text = (tag: XmlElement, name: string) => {
    const child = onlyChild(tag, name)
    if (!child) throw new S3Error('MalformedXML')
    return child.text
  }
  return checkTags(
    elements.map((tag) => [text(tag, 'Key'), text(tag, 'Value')] as const),
    limits,
  )
}

/** The header's tags, which are a URL's query. Throws S3Error InvalidArgument, InvalidTag or BadRequest. */
export function tagsOfHeader(headers: Headers): Tags {
  const header = headers[TAGGING_HEADER]
  if (header === undefined || header === '') return []
  const text = String(header)
  const tags = text
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => readPair(piece, text))
  if (new Set(tags.map(([key]) => key)).size < tags.length) throw unreadable(text)
  return checkTags(tags, OBJECT_TAGS)
}

/** As `tagsOfHeader`; a presigned URL may have a parameter in the header's place. */
export function tagsOfWrite({ headers, query }: Pick<S3Request, 'headers' | 'query'>): Tags {
  return tagsOfHeader({ [TAGGING_HEADER]: headers[TAGGING_HEADER] ?? query.get(TAGGING_HEADER) })
}

export const taggingDocument = (tags: Tags): string => document('Tagging', [element('TagSet', tagElements(tags))])

export const tagElements = (tags: Tags): XmlPiece[] =>
  tags.map(([key, value]) => element('Tag', [element('Key', key), element('Value', value)]))

function readPair(piece: string, header: string): readonly [string, string] {
  const [key, value = '', ...more] = piece.split('=')
  if (more.length > 0) throw unreadable(header)
  try {
    return [decode(key!), decode(value)]
  } catch {
    throw unreadable(header)
  }
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', '%20'))

/** The tags themselves. Throws S3Error InvalidTag or BadRequest. */
export function checkTags(tags: Tags, limits: TagLimits): Tags {
  if (tags.length > limits.most) throw new S3Error('BadRequest', { message: limits.tooMany })
  const seen = new Set<string>()
  for (const [key, value] of tags) {
    const invalid = (message: string, fields = {}) =>
      new S3Error('InvalidTag', { message, fields: { TagKey: key, ...fields } })
    if (key === '' || key.length > MAX_KEY || !ALLOWED.test(key))
      throw invalid('The TagKey you have provided is invalid')
    if (value.length > MAX_VALUE || !ALLOWED.test(value)) {
      throw invalid('The TagValue you have provided is invalid', { TagValue: value })
    }
    if (key.toLowerCase().startsWith('aws:')) throw invalid(limits.reserved)
    if (seen.has(key)) throw invalid('Cannot provide multiple Tags with the same key')
    seen.add(key)
  }
  return tags
}

const unreadable = (header: string) =>
  new S3Error('InvalidArgument', {
    message:
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    fields: { ArgumentName: TAGGING_HEADER, ArgumentValue: header },
  })
