/** What the audit trail knows, for whoever may look up events of his account: who used a key, and what went on. */
import type { EventJournal } from '../audit/audit-trail.ts'
import { type EventFilter, scanEvents } from '../audit/event-scan.ts'
import type { EventSearch } from '../audit/event-search.ts'
import { type KeyUseEvent, keyUseOf } from '../audit/key-use.ts'
import type { Position } from '../journal/frame.ts'
import type { JournalReader } from '../journal/journal-reader.ts'
import type { Kms } from '../keys/kms.ts'
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { ServiceError } from '../protocols/service-error.ts'

export interface AuditServices {
  readonly kms: Kms
  readonly events: EventSearch
  readonly journal: (name: EventJournal) => JournalReader
}

/** Uses of a key, the newest first; for its owner's account, since it is that which answers for it. */
export async function listKeyUses({ kms, events }: AuditServices, call: CallContext, input: Input) {
  requireLookup(call)
  const { arn: value, accountId } = await kms.keys.describeKey(call, input.keyId('keyId'))
  if (accountId !== call.principal.accountId) {
    throw new ServiceError('AccessDeniedException', 'Uses of a key are told to the account that owns it.', 403)
  }
  const query = {
    attribute: 'KeyUse',
    value,
    ...timesOf(input),
    limit: limitOf(input),
    before: nextKey(input),
  } as const
  const { events: found, next } = await events.find({ accountId: '', region: '' }, query)
  const uses: readonly KeyUseEvent[] = found.map(({ record }) => keyUseOf(record))
  return { keyArn: value, uses, next: next && Buffer.from(next).toString('base64url') }
}

/** Events of the caller's account, the newest first. A page may be short where few of many fit. */
export async function listEvents({ journal }: AuditServices, call: CallContext, input: Input) {
  requireLookup(call)
  const filter: EventFilter = {
    accountId: call.principal.accountId,
    ...timesOf(input),
    bucket: input.optionalText('bucket', 255, 1),
    objectKey: input.optionalText('key', 1024, 1),
    keyPrefix: input.optionalText('prefix', 1024, 1),
    caller: input.optionalText('caller', 2048, 1),
    eventName: input.optionalText('eventName', 128, 1),
    errorsOnly: input.flag('errors'),
  }
  const name = input.choice('category', ['data', 'management'] as const) ?? 'data'
  const { events, next } = await scanEvents(journal(name), filter, limitOf(input), nextPosition(input))
  return { events, next: next && `${next.segment}-${next.offset}-${next.index}` }
}

/** Throws AccessDenied. */
function requireLookup(call: CallContext): void {
  const resourceAccount = call.principal.accountId
  requireAllowed(call, { action: 'cloudtrail:LookupEvents', resource: '*', resourceAccount, resourcePolicy: undefined })
}

const limitOf = (input: Input) => input.optionalNumber('limit', 1, 1_000) ?? 50

function timesOf(input: Input): { readonly fromMs: number; readonly toMs: number } {
  const last = 2 ** 45
  return {
    fromMs: input.optionalNumber('fromMs', 0, last) ?? 0,
    toMs: input.optionalNumber('toMs', 0, last) ?? Date.now() + 60_000,
  }
}

function nextKey(input: Input): Uint8Array | undefined {
  const next = input.optionalText('next', 200, 1)
  return next === undefined ? undefined : Buffer.from(next, 'base64url')
}

function nextPosition(input: Input): (Position & { readonly index: number }) | undefined {
  const next = input.optionalText('next', 200, 1)
  if (next === undefined) return undefined
  const [, segment, offset, index] = /^(\d{1,10})-(\d{1,12})-(\d{1,7})$/.exec(next) ?? []
  if (index === undefined)
    throw new ServiceError('ValidationException', 'next is not where a page of this server ended')
  return { segment: Number(segment), offset: Number(offset), index: Number(index) }
}
