/**
 * Object Lock's rules: what the lock of a version forbids, and how a lock may change (AWS S3 user guide, "Locking objects with
 * Object Lock"). Pure: the time is given.
 */
import { Fault } from '../core/fault.ts'
import type { BucketRecord } from './records.ts'

export const RETENTION_MODES = ['GOVERNANCE', 'COMPLIANCE'] as const
export type RetentionMode = (typeof RETENTION_MODES)[number]

export interface Retention {
  readonly mode: RetentionMode
  readonly retainUntilMs: number
}

/** Of one version. */
export interface ObjectLock {
  readonly retention?: Retention | undefined
  /** Absent: it has never had one, which is another thing than `OFF` to those who ask. */
  readonly legalHold?: 'ON' | 'OFF' | undefined
}

export type RetentionPeriod = { readonly days: number } | { readonly years: number }

/** Of a bucket that has Object Lock. */
export interface ObjectLockConfiguration {
  /** What new versions get that ask for no retention of their own. */
  readonly defaultRetention?: { readonly mode: RetentionMode; readonly period: RetentionPeriod } | undefined
}

/** `bypassGovernance`: the caller asks to pass over governance mode, and may. Nobody passes over the rest. */
export function isLocked(lock: ObjectLock | undefined, nowMs: number, bypassGovernance = false): boolean {
  if (lock?.legalHold === 'ON') return true
  const { retention } = lock ?? {}
  return isInForce(retention, nowMs) && !(bypassGovernance && retention?.mode === 'GOVERNANCE')
}

/** Throws ObjectLockRefused Protected. */
export function requireUnlocked(lock: ObjectLock | undefined, nowMs: number, bypassGovernance = false): void {
  if (isLocked(lock, nowMs, bypassGovernance)) throw refused('Protected')
}

/**
 * The lock with `next` for its retention, or with none. Anybody who may set a retention may prolong it; to shorten it, to
 * change its mode or to remove it passes over governance mode, and of compliance mode cannot be. Throws ObjectLockRefused
 * Protected.
 */
export function withRetention(
  lock: ObjectLock | undefined,
  next: Retention | undefined,
  nowMs: number,
  bypassGovernance: boolean,
): ObjectLock {
  const { retention: before } = lock ?? {}
  const prolongs = before && next?.mode === before.mode && next.retainUntilMs >= before.retainUntilMs
  if (!prolongs) requireUnlocked({ retention: before }, nowMs, bypassGovernance)
  return { ...lock, retention: next }
}

/** What a new version is locked by: what its write asks for, else the bucket's default. Throws as `requireLockable`. */
export function lockOfNew(bucket: BucketRecord, asked: ObjectLock | undefined, nowMs: number): ObjectLock | undefined {
  requireLockable(bucket, asked)
  const { defaultRetention } = bucket.objectLock ?? {}
  if (asked?.retention || !defaultRetention) return asked
  const { mode, period } = defaultRetention
  return { ...asked, retention: { mode, retainUntilMs: nowMs + periodMs(period) } }
}

/** Throws ObjectLockRefused WriteNotEnabled where a write asks for a lock that the bucket cannot give. */
export function requireLockable({ objectLock }: BucketRecord, asked: ObjectLock | undefined): void {
  if (asked && !objectLock) throw refused('WriteNotEnabled')
}

/** Throws ObjectLockRefused NotEnabled. */
export function requireEnabled({ objectLock }: BucketRecord): void {
  if (!objectLock) throw refused('NotEnabled')
}

/** Object Lock stays for good: a bucket that has it keeps all versions. Throws ObjectLockRefused VersioningFixed. */
export function withVersioning(bucket: BucketRecord, versioning: 'Enabled' | 'Suspended'): BucketRecord {
  if (bucket.objectLock && versioning !== 'Enabled') throw refused('VersioningFixed')
  return { ...bucket, versioning }
}

/** Throws ObjectLockRefused VersioningNotEnabled. */
export function withObjectLock(bucket: BucketRecord, objectLock: ObjectLockConfiguration): BucketRecord {
  if (bucket.versioning !== 'Enabled') throw refused('VersioningNotEnabled')
  return { ...bucket, objectLock }
}

const isInForce = (retention: Retention | undefined, nowMs: number) =>
  retention !== undefined && retention.retainUntilMs > nowMs

/** S3 counts a year as 365 days. */
const periodMs = (period: RetentionPeriod) => ('days' in period ? period.days : period.years * 365) * DAY_MS

const DAY_MS = 86_400_000

const refused = (refusal: Fault<'ObjectLockRefused'>['detail']['refusal']) =>
  new Fault('ObjectLockRefused', { refusal })
