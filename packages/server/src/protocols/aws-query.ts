/**
 * AWS's query protocol (Smithy, "AWS query protocol"): a form with `Action` and `Version`, members flattened into
 * names such as `Tags.member.1.Key`; answers are XML.
 */
import { Input } from './input.ts'
import type { Output, Protocol } from './service-door.ts'
import { ServiceError } from './service-error.ts'
import { element, type XmlPiece, xmlDocument } from './xml-writer.ts'

export interface AwsQueryOptions {
  /** How many members a request may have. */
  readonly maxMembers?: number
  /** Operations whose answer has a result also where nothing stands in it. */
  readonly emptyResults?: readonly string[]
  /** Whether times are told to the millisecond. */
  readonly milliseconds?: boolean
  /** The code of an error here, where the service names its errors for newer protocols. */
  readonly codeOf?: (error: ServiceError) => string
}

/** `namespace`: of the answers. */
export function awsQuery(namespace: string, options: AwsQueryOptions = {}): Protocol {
  const { maxMembers = MAX_MEMBERS, emptyResults = [], milliseconds = false, codeOf = ({ code }) => code } = options
  const write = new MemberWriter(milliseconds)
  return {
    contentType: 'text/xml',
    read({ request }, body) {
      const url = request.url ?? '/'
      const mark = url.indexOf('?')
      const text = request.method === 'GET' ? (mark < 0 ? '' : url.slice(mark + 1)) : Buffer.from(body).toString('utf8')
      const members = readForm(text, maxMembers)
      return {
        name: typeof members.Action === 'string' ? members.Action : '',
        input: new Input(members, 'ValidationError', true),
      }
    },
    render: (operation, output, requestId) =>
      xmlDocument(`${operation}Response`, namespace, [
        ...(Object.keys(output).length === 0 && !emptyResults.includes(operation)
          ? []
          : [element(`${operation}Result`, write.members(output))]),
        element('ResponseMetadata', [element('RequestId', requestId)]),
      ]),
    renderError: (error, requestId) =>
      xmlDocument('ErrorResponse', namespace, [
        element('Error', [
          element('Type', error.status >= 500 ? 'Receiver' : 'Sender'),
          element('Code', codeOf(error)),
          element('Message', error.message),
          ...write.members(error.members ?? {}),
        ]),
        element('RequestId', requestId),
      ]),
    refusals: {
      missing: ['MissingAuthenticationToken', 403],
      unknown: ['InvalidClientTokenId', 403],
      expired: ['ExpiredToken', 403],
      mismatch: ['SignatureDoesNotMatch', 403],
      incomplete: ['IncompleteSignature', 400],
    },
  }
}

const MAX_MEMBERS = 10_000
const MAX_DEPTH = 12

/** Lists as arrays, structures as objects, all else as text. Throws ServiceError MalformedQueryString. */
export function readForm(text: string, maxMembers = MAX_MEMBERS): Record<string, unknown> {
  const root: Tree = new Map()
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    const steps = name.split('.')
    if (++count > maxMembers || steps.length > MAX_DEPTH) throw malformed()
    let node = root
    for (const step of steps.slice(0, -1)) {
      const next = node.get(step) ?? new Map<string, string | Tree>()
      if (typeof next === 'string') throw malformed()
      node.set(step, next)
      node = next
    }
    const last = steps.at(-1)!
    if (node.has(last)) throw malformed()
    node.set(last, value)
  }
  return structureOf(root)
}

type Tree = Map<string, string | Tree>

const malformed = () => new ServiceError('MalformedQueryString', 'The query string is malformed.', 404)

function structureOf(tree: Tree): Record<string, unknown> {
  return Object.fromEntries([...tree].map(([name, value]) => [name, membersOrText(value)]))
}

function membersOrText(value: string | Tree): unknown {
  if (typeof value === 'string') return value
  const members = value.get('member')
  if (value.size !== 1 || typeof members !== 'object') return structureOf(value)
  return [...members].sort(([a], [b]) => Number(a) - Number(b)).map(([, member]) => membersOrText(member))
}

/** An array is a list of `member`s, a Map has `entry`s, a Date is ISO 8601. */
class MemberWriter {
  readonly #milliseconds: boolean

  constructor(milliseconds: boolean) {
    this.#milliseconds = milliseconds
  }

  members(output: Output): XmlPiece[] {
    return Object.entries(output).map(([name, value]) => this.#piece(name, value))
  }

  #piece(name: string, value: unknown): XmlPiece {
    if (Array.isArray(value))
      return element(
        name,
        value.map((member) => this.#piece('member', member)),
      )
    if (value instanceof Date) return element(name, this.#time(value))
    if (value instanceof Map) {
      const entries = [...value].map(([key, one]) =>
        element('entry', [element('key', String(key)), this.#piece('value', one)]),
      )
      return element(name, entries)
    }
    if (typeof value === 'object' && value !== null) return element(name, this.members(value as Output))
    return element(name, value as string | number | boolean | undefined)
  }

  #time(date: Date): string {
    const text = date.toISOString()
    return this.#milliseconds ? text : text.replace(/\.\d{3}Z$/, 'Z')
  }
}
