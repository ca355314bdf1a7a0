/** Object Lock on the wire: headers of writes and deletions, and documents (AWS S3 API reference). Pure. */
import {
  type ObjectLock,
  type ObjectLockConfiguration,
  RETENTION_MODES,
  type Retention,
  type RetentionMode,
  type RetentionPeriod,
} from '../objects/object-lock.ts'
import type { BucketRecord } from '../objects/records.ts'
import { document, element } from '../protocols/xml-writer.ts'
import { isPromised } from './checksum-headers.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './operation.ts'
import { childText, onlyChild, readXml, type XmlElement } from './xml-reader.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const MODE = 'x-amz-object-lock-mode'
const RETAIN_UNTIL = 'x-amz-object-lock-retain-until-date'
const LEGAL_HOLD = 'x-amz-object-lock-legal-hold'
const BYPASS = 'x-amz-bypass-governance-retention'

/** AWS's longest retention period by default. */
const MAX_YEARS = 100
const MAX_DAYS = MAX_YEARS * 365

// ---- Headers --------------------------------------------------------------------------------------------------------

/** What a write asks its object to be locked by; undefined where it says nothing. Throws S3Error InvalidArgument. */
export function lockOfWrite({ headers, call }: Pick<S3Request, 'headers' | 'call'>): ObjectLock | undefined {
  const retention = retentionOfHeaders(headers, call.atMs)
  const hold = headers[LEGAL_HOLD]
  const legalHold = hold === undefined ? undefined : readSwitch(String(hold))
  if (hold !== undefined && !legalHold) {
    throw invalidArgument("Legal Hold must be either of 'ON' or 'OFF'", LEGAL_HOLD, String(hold))
  }
  return retention || legalHold ? { ...(retention && { retention }), ...(legalHold && { legalHold }) } : undefined
}

function retentionOfHeaders(headers: Headers, nowMs: number): Retention | undefined {
  const [mode, date] = [headers[MODE], headers[RETAIN_UNTIL]]
  if (mode === undefined && date === undefined) return undefined
  if (mode === undefined || date === undefined) {
    const missing = mode === undefined ? MODE : RETAIN_UNTIL
    throw invalidArgument(`${RETAIN_UNTIL} and ${MODE} must both be supplied`, missing)
  }
  const retainUntilMs = readDate(String(date))
  if (retainUntilMs === undefined) {
    throw invalidArgument('The retain until date must be provided in ISO 8601 format', RETAIN_UNTIL, String(date))
  }
  requireFuture(retainUntilMs, nowMs, RETAIN_UNTIL, String(date))
  const known = readMode(String(mode))
  if (!known) throw invalidArgument('Unknown wormMode directive.', MODE, String(mode))
  return { mode: known, retainUntilMs }
}

/**
 * Of an object that will be locked, damage on the way cannot be mended later, and whoever locks it must be known. Throws S3Error
 * InvalidArgument or InvalidRequest.
 */
export function requireSafeLock({ headers, call, notes }: S3Request, lock: ObjectLock | undefined): void {
  if (lock && call.signature?.version !== 'v4') {
    const message = 'Put Object requests with Object Lock parameters require AWS Signature Version 4'
    throw invalidArgument(message, 'Authorization')
  }
  if ((lock || notes.bucketRecord?.objectLock?.defaultRetention) && !isPromised(headers)) {
    const message =
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters'
    throw new S3Error('InvalidRequest', { message })
  }
}

/** Whether a request asks to pass over governance mode, which is an action of its own. */
export const asksToBypass = (headers: Headers) => String(headers[BYPASS] ?? '').toLowerCase() === 'true'

/** Throws S3Error InvalidArgument where governance mode is spoken of and the bucket knows none. */
export function requireBypassable(headers: Headers, bucket: BucketRecord | undefined): void {
  if (headers[BYPASS] === undefined || bucket?.objectLock) return
  throw invalidArgument(`${BYPASS} is only applicable to Object Lock enabled buckets.`, BYPASS)
}

export const retentionHeaders = (retention: Retention | undefined) =>
  retention && { [MODE]: retention.mode, [RETAIN_UNTIL]: dateText(retention) }

export const legalHoldHeader = (legalHold: ObjectLock['legalHold']) => ({ [LEGAL_HOLD]: legalHold })

export const dateText = ({ retainUntilMs }: Retention) => new Date(retainUntilMs).toISOString()

// ---- Documents ------------------------------------------------------------------------------------------------------

/** Undefined for an empty one, which takes a retention away. Throws S3Error MalformedXML, InvalidArgument or NotImplemented. */
export function readRetention(bytes: Uint8Array, nowMs: number): Retention | undefined {
  const root = readXml(bytes)
  if (root.name !== 'Retention') throw new S3Error('MalformedXML')
  refuseEventHold(root, 'EventHold', 'EventHoldDuration')
  const [mode, date] = [childText(root, 'Mode'), childText(root, 'RetainUntilDate')]
  if (mode === undefined && date === undefined) return undefined
  const known = readMode(mode ?? '')
  const retainUntilMs = readDate(date ?? '')
  if (!known || retainUntilMs === undefined) throw new S3Error('MalformedXML')
  requireFuture(retainUntilMs, nowMs, 'RetainUntilDate', date!)
  return { mode: known, retainUntilMs }
}

export const retentionDocument = (retention: Retention) =>
  document('Retention', [element('Mode', retention.mode), element('RetainUntilDate', dateText(retention))])

/** Throws S3Error MalformedXML. */
export function readLegalHold(bytes: Uint8Array): 'ON' | 'OFF' {
  const root = readXml(bytes)
  const status = readSwitch(childText(root, 'Status') ?? '')
  if (root.name !== 'LegalHold' || !status) throw new S3Error('MalformedXML')
  return status
}

export const legalHoldDocument = (legalHold: 'ON' | 'OFF') => document('LegalHold', [element('Status', legalHold)])

/** Throws S3Error MalformedXML, InvalidArgument or NotImplemented. */
export function readObjectLockConfiguration(bytes: Uint8Array): ObjectLockConfiguration {
  const root = readXml(bytes)
  if (root.name !== 'ObjectLockConfiguration' || childText(root, 'ObjectLockEnabled') !== 'Enabled') {
    throw new S3Error('MalformedXML')
  }
  const rule = onlyChild(root, 'Rule')
  if (!rule) return {}
  const retention = onlyChild(rule, 'DefaultRetention')
  if (!retention) throw new S3Error('MalformedXML')
  refuseEventHold(retention, 'DefaultEventHold')
  const mode = readMode(childText(retention, 'Mode') ?? '')
  if (!mode) throw new S3Error('MalformedXML')
  return { defaultRetention: { mode, period: readPeriod(retention) } }
}

function readPeriod(retention: XmlElement): RetentionPeriod {
  const [days, years] = [childText(retention, 'Days'), childText(retention, 'Years')]
  if ((days === undefined) === (years === undefined)) throw new S3Error('MalformedXML')
  return days === undefined
    ? { years: readCount(years!, MAX_YEARS, 'Years') }
    : { days: readCount(days, MAX_DAYS, 'Days') }
}

function readCount(text: string, most: number, name: string): number {
  if (!/^\s*-?\d{1,10}\s*$/.test(text)) throw new S3Error('MalformedXML')
  const count = Number(text)
  if (count < 1) throw invalidArgument('Default retention period must be a positive integer value.', name)
  if (count > most) throw invalidArgument('Default retention period too large.', name)
  return count
}

export function objectLockConfigurationDocument({ defaultRetention }: ObjectLockConfiguration): string {
  const rule = defaultRetention && [
    element('DefaultRetention', [element('Mode', defaultRetention.mode), periodElement(defaultRetention.period)]),
  ]
  return document('ObjectLockConfiguration', [element('ObjectLockEnabled', 'Enabled'), element('Rule', rule)])
}

const periodElement = (period: RetentionPeriod) =>
  'days' in period ? element('Days', period.days) : element('Years', period.years)

function refuseEventHold(parent: XmlElement, ...names: readonly string[]): void {
  if (names.every((name) => !onlyChild(parent, name))) return
  throw new S3Error('NotImplemented', { message: 'Event holds are not implemented.' })
}

// ---- Values ---------------------------------------------------------------------------------------------------------

const readMode = (text: string): RetentionMode | undefined => RETENTION_MODES.find((mode) => mode === text)

const readSwitch = (text: string) => (text === 'ON' || text === 'OFF' ? text : undefined)

/** ISO 8601, to be read as UTC where it names no zone; undefined for anything else. */
function readDate(text: string): number | undefined {
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim())
  const ms = match ? Date.parse(match[1] === undefined ? `${match[0]}Z` : match[0]) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function requireFuture(ms: number, nowMs: number, argument: string, value: string): void {
  if (ms <= nowMs) throw invalidArgument('The retain until date must be in the future!', argument, value)
}

const invalidArgument = (message: string, name: string, value?: string) =>
  new S3Error('InvalidArgument', {
    message,
    fields: { ArgumentName: name, ...(value !== undefined && { ArgumentValue: value }) },
  })
