/** `strongroom audit`: who used a key, and what went on, asked of a running server. */
import type { CloudTrailRecord } from '../audit/cloudtrail-record.ts'
import type { KeyUseEvent } from '../audit/key-use.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { callOwnApi } from './own-api-client.ts'

export interface AuditFlags extends ConnectionFlags {
  readonly since?: string
  readonly until?: string
  readonly limit?: string
  readonly json?: boolean
}

export interface EventsFlags extends AuditFlags {
  readonly bucket?: string
  readonly key?: string
  readonly prefix?: string
  readonly caller?: string
  readonly event?: string
  readonly errors?: boolean
  readonly management?: boolean
}

export async function auditKeyCommand(keyId: string, flags: AuditFlags): Promise<number> {
  const connection = await resolveConnection(flags, process.env)
  const ask = (input: object) =>
    callOwnApi<{ uses: readonly KeyUseEvent[]; next?: string }>(connection, '/-/api/audit/key', { keyId, ...input })
  const found = await pages(flags, async (input) => {
    const { uses, next } = await ask(input)
    return { items: uses, next }
  })
  print(flags, found, useText, 'Nobody has used the key in this time.')
  return EXIT.done
}

export async function auditEventsCommand(flags: EventsFlags): Promise<number> {
  const connection = await resolveConnection(flags, process.env)
  const filter = {
    ...(flags.bucket !== undefined && { bucket: flags.bucket }),
    ...(flags.key !== undefined && { key: flags.key }),
    ...(flags.prefix !== undefined && { prefix: flags.prefix }),
    ...(flags.caller !== undefined && { caller: flags.caller }),
    ...(flags.event !== undefined && { eventName: flags.event }),
    ...(flags.errors && { errors: true }),
    category: flags.management ? 'management' : 'data',
  }
  const found = await pages(flags, async (input) => {
    const path = '/-/api/audit/events'
    const { events, next } = await callOwnApi<{ events: readonly CloudTrailRecord[]; next?: string }>(
      connection,
      path,
      { ...filter, ...input },
    )
    return { items: events, next }
  })
  print(flags, found, eventText, 'There is no such event in this time.')
  return EXIT.done
}

/** Page after page until there are as many as asked for. */
async function pages<T>(
  flags: AuditFlags,
  ask: (input: object) => Promise<{ readonly items: readonly T[]; readonly next: string | undefined }>,
): Promise<readonly T[]> {
  const limit = flags.limit === undefined ? DEFAULT_LIMIT : Number(flags.limit)
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit takes a number from 1 on')
  const times = {
    ...(flags.since !== undefined && { fromMs: readTime('--since', flags.since, Date.now()) }),
    ...(flags.until !== undefined && { toMs: readTime('--until', flags.until, Date.now()) }),
  }
  const found: T[] = []
  for (let next: string | undefined; ; ) {
    const page = await ask({ ...times, limit: Math.min(limit - found.length, MOST_A_PAGE), ...(next && { next }) })
    found.push(...page.items)
    next = page.next
    if (!next || found.length >= limit) return found
  }
}

/** A time such as 2026-11-25T10:00:00Z, or how long ago: 90s, 30m, 12h, 7d. Milliseconds since the epoch. */
export function readTime(flag: string, text: string, nowMs: number): number {
  const ago = /^(\d+)([smhd])$/.exec(text)
  if (ago) return nowMs - Number(ago[1]) * UNIT_MS[ago[2]!]!
  const atMs = Date.parse(text)
  if (Number.isNaN(atMs))
    throw new UsageError(`${flag} takes a time such as 2026-01-31T10:00:00Z, or one ago such as 30m`)
  return atMs
}

function print<T>(flags: AuditFlags, found: readonly T[], text: (one: T) => string, none: string): void {
  if (flags.json) process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`)
  else if (found.length === 0) process.stdout.write(`${none}\n`)
  else for (const one of found) process.stdout.write(`${text(one)}\n`)
}

function useText({ time, operation, caller, sourceIp, forArn, byBucketKey, error, requestId }: KeyUseEvent): string {
  const what = `${operation}${byBucketKey ? ' by bucket key' : ''}${forArn === undefined ? '' : ` for ${forArn}`}`
  return `${time}  ${what}\n    ${caller ?? 'nobody known'} from ${sourceIp}, request ${requestId}${refusal(error)}`
}

function eventText(record: CloudTrailRecord): string {
  const { eventTime, eventName, resources, userIdentity, sourceIPAddress, requestID, errorCode } = record
  const on = resources?.[0] === undefined ? '' : ` on ${resources[0].ARN}`
  const who = userIdentity.arn ?? userIdentity.invokedBy ?? 'nobody known'
  return `${eventTime}  ${eventName}${on}\n    ${who} from ${sourceIPAddress}, request ${requestID ?? '-'}${refusal(errorCode)}`
}

const refusal = (error: string | undefined) => (error === undefined ? '' : `: ${error}`)

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DEFAULT_LIMIT = 100
const MOST_A_PAGE = 1_000
