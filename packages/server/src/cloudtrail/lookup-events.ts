/** LookupEvents: management events of the last 90 days, the newest first (CloudTrail API reference). */
import { createHash } from 'node:crypto'
import type { EventQuery } from '../audit/event-index.ts'
import type { EventSearch, FoundEvent } from '../audit/event-search.ts'
import { resourcesOf, userNameOf } from '../audit/lookup-attributes.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { ServiceError } from '../protocols/service-error.ts'
import { requireMay, scopeOf, type TrailOperations } from './services.ts'

export const LOOKUP_OPERATIONS = {
  LookupEvents: {
    readOnly: true,
    async run({ events, clock }, call, input) {
      requireMay(call, 'LookupEvents')
      const scope = scopeOf(call)
      const { attribute, value, ...times } = readQuery(input, clock.nowMs())
      // Of other categories there are none.
      if (input.optionalText('EventCategory', 100) !== undefined) {
        if (input.choice('EventCategory', ['insight'] as const)) return { Events: [] }
      }
      if (attribute === 'EventId') return { Events: await byId(events, scope, value, times) }
      const limit = readLimit(input)
      const query = { attribute, value, ...times, limit }
      const page = await events.find(scope, { ...query, before: readToken(input, call, { attribute, value }) })
      return {
        Events: page.events.map(shape),
        ...(page.next && { NextToken: tokenOf(page.next, call, { attribute, value }) }),
      }
    },
  },
} satisfies TrailOperations

type Wanted = Pick<EventQuery, 'value'> & { readonly attribute: EventQuery['attribute'] | 'EventId' }

async function byId(
  events: EventSearch,
  scope: { readonly accountId: string; readonly region: string },
  id: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
) {
  const found = await events.byId(scope, id)
  return found && found.place.atMs >= fromMs && found.place.atMs <= toMs ? [shape(found)] : []
}

function readQuery(input: Input, nowMs: number): Wanted & Pick<EventQuery, 'fromMs' | 'toMs'> {
  const attributes = input.structures('LookupAttributes')
  if (attributes.length > 1) {
    throw new ServiceError('InvalidLookupAttributesException', 'You can only specify one lookup attribute.')
  }
  // Seconds are all that events tell of their time; the last one counts to its end.
  const end = input.optionalTimestamp('EndTime')
  const fromMs = Math.max(input.optionalTimestamp('StartTime') ?? 0, nowMs - KEPT_MS)
  const toMs = end === undefined ? nowMs + AHEAD_MS : Math.floor(end / 1000) * 1000 + 999
  if (input.has('StartTime') && end !== undefined && input.optionalTimestamp('StartTime')! > end) {
    throw new ServiceError('InvalidTimeRangeException', 'The start time must be before the end time.')
  }
  const [attribute] = attributes
  if (!attribute) return { attribute: 'All', value: '', fromMs, toMs }
  attribute.required('AttributeKey')
  const key = attribute.choice('AttributeKey', ATTRIBUTE_KEYS)!
  return { attribute: key, value: attribute.text('AttributeValue', 2000), fromMs, toMs }
}

function readLimit(input: Input): number {
  if (!input.has('MaxResults')) return MOST_RESULTS
  try {
    return input.optionalNumber('MaxResults', 1, MOST_RESULTS)!
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const message = `The value for MaxResults must be between 1 and ${MOST_RESULTS}.`
    throw new ServiceError('InvalidMaxResultsException', message, 400, { cause: error })
  }
}

/** A token holds where the page ended, and what was asked for: it is good for the same question alone. */
function tokenOf(next: Uint8Array, call: CallContext, wanted: Wanted): string {
  return Buffer.concat([questionOf(call, wanted), next]).toString('base64url')
}

function readToken(input: Input, call: CallContext, wanted: Wanted): Uint8Array | undefined {
  const token = input.optionalText('NextToken', 2048)
  if (token === undefined) return undefined
  const bytes = Buffer.from(token, 'base64url')
  const question = questionOf(call, wanted)
  if (bytes.length <= question.length || !bytes.subarray(0, question.length).equals(question)) {
    const message = 'Invalid token or token that was previously used in a request with different parameters.'
    throw new ServiceError('InvalidNextTokenException', message)
  }
  return bytes.subarray(question.length)
}

const questionOf = ({ principal, region }: CallContext, { attribute, value }: Wanted) =>
  createHash('sha256')
    .update(JSON.stringify([principal.accountId, region, attribute, value]))
    .digest()
    .subarray(0, 16)

function shape({ record, json, place }: FoundEvent) {
  const Username = userNameOf(record)
  return {
    EventId: record.eventID,
    EventName: record.eventName,
    ReadOnly: String(record.readOnly),
    ...(record.userIdentity.accessKeyId !== undefined && { AccessKeyId: record.userIdentity.accessKeyId }),
    EventTime: Math.floor(place.atMs / 1000),
    EventSource: record.eventSource,
    ...(Username !== undefined && { Username }),
    Resources: resourcesOf(record),
    CloudTrailEvent: json,
  }
}

const ATTRIBUTE_KEYS = [
  'EventId',
  'EventName',
  'ReadOnly',
  'Username',
  'ResourceType',
  'ResourceName',
  'EventSource',
  'AccessKeyId',
] as const
const MOST_RESULTS = 50
const KEPT_MS = 90 * 86_400_000
/** Clocks of processes of one machine are one; a test's may run ahead of the caller's. */
const AHEAD_MS = 60_000
