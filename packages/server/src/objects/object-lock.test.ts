import { describe, expect, test } from 'vitest'
import { isFault } from '../core/fault.ts'
import {
  isLocked,
  lockOfNew,
  type ObjectLock,
  type ObjectLockConfiguration,
  type Retention,
  withObjectLock,
  withRetention,
  withVersioning,
} from './object-lock.ts'
import type { BucketRecord } from './records.ts'

const NOW = 1_700_000_000_000
const DAY = 86_400_000

const governance = (days: number): Retention => ({ mode: 'GOVERNANCE', retainUntilMs: NOW + days * DAY })
const compliance = (days: number): Retention => ({ mode: 'COMPLIANCE', retainUntilMs: NOW + days * DAY })
const bucket = (more: Partial<BucketRecord> = {}) => ({ bucketId: '00', ...more }) as BucketRecord

/** What was refused; undefined where nothing was. */
function refusal(call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    if (isFault(error, 'ObjectLockRefused')) return error.detail.refusal
    throw error
  }
  return undefined
}

test.each<[string, ObjectLock | undefined, locked: boolean, lockedFromBypass: boolean]>([
  ['nothing', undefined, false, false],
  ['governance', { retention: governance(1) }, true, false],
  ['compliance', { retention: compliance(1) }, true, true],
  ['a retention at its very end', { retention: compliance(0) }, false, false],
  ['a retention that is over', { retention: compliance(-1) }, false, false],
  ['a legal hold', { legalHold: 'ON' }, true, true],
  ['a legal hold that was lifted', { legalHold: 'OFF' }, false, false],
  ['a legal hold over a retention that is over', { legalHold: 'ON', retention: governance(-1) }, true, true],
  ['governance after a legal hold', { legalHold: 'OFF', retention: governance(1) }, true, false],
])('a version under %s', (_, lock, locked, lockedFromBypass) => {
  expect(isLocked(lock, NOW)).toBe(locked)
  expect(isLocked(lock, NOW, true)).toBe(lockedFromBypass)
})

test.each<[string, Retention | undefined, Retention | undefined, may: 'anybody' | 'bypass' | 'nobody']>([
  ['first governance', undefined, governance(1), 'anybody'],
  ['first compliance', undefined, compliance(1), 'anybody'],
  ['nothing taken away', undefined, undefined, 'anybody'],
  ['governance prolonged', governance(1), governance(2), 'anybody'],
  ['governance as it is', governance(1), governance(1), 'anybody'],
  ['governance shortened', governance(2), governance(1), 'bypass'],
  ['governance taken away', governance(1), undefined, 'bypass'],
  ['governance to compliance', governance(1), compliance(2), 'bypass'],
  ['governance over', governance(-1), undefined, 'anybody'],
  ['compliance prolonged', compliance(1), compliance(2), 'anybody'],
  ['compliance shortened', compliance(2), compliance(1), 'nobody'],
  ['compliance taken away', compliance(1), undefined, 'nobody'],
  ['compliance to governance, for longer', compliance(1), governance(9), 'nobody'],
  ['compliance over, to governance', compliance(-1), governance(1), 'anybody'],
])('%s', (_, before, next, may) => {
  for (const legalHold of ['ON', 'OFF'] as const) {
    const lock = { retention: before, legalHold }
    const change = (bypass: boolean) => () => withRetention(lock, next, NOW, bypass)
    expect(refusal(change(false))).toBe(may === 'anybody' ? undefined : 'Protected')
    expect(refusal(change(true))).toBe(may === 'nobody' ? 'Protected' : undefined)
    if (may !== 'nobody') expect(change(true)()).toEqual({ retention: next, legalHold })
  }
})

describe('new versions', () => {
  const days = { defaultRetention: { mode: 'GOVERNANCE', period: { days: 3 } } } as const
  const years = { defaultRetention: { mode: 'COMPLIANCE', period: { years: 2 } } } as const
  test.each<[string, ObjectLockConfiguration, ObjectLock | undefined, ObjectLock | undefined]>([
    ['no default', {}, undefined, undefined],
    ['days by default', days, undefined, { retention: governance(3) }],
    ['years by default', years, undefined, { retention: compliance(730) }],
    ['their own retention', days, { retention: compliance(1) }, { retention: compliance(1) }],
    ['a hold beside the default', days, { legalHold: 'ON' }, { legalHold: 'ON', retention: governance(3) }],
    ['a hold alone', {}, { legalHold: 'OFF' }, { legalHold: 'OFF' }],
  ])('%s', (_, objectLock, asked, expected) => {
    expect(lockOfNew(bucket({ objectLock }), asked, NOW)).toEqual(expected)
  })

  test('a bucket without Object Lock gives none', () => {
    expect(lockOfNew(bucket(), undefined, NOW)).toBeUndefined()
    expect(refusal(() => lockOfNew(bucket(), { legalHold: 'OFF' }, NOW))).toBe('WriteNotEnabled')
  })
})

test('Object Lock needs versioning, and keeps it', () => {
  const locked = withObjectLock(bucket({ versioning: 'Enabled' }), {})
  expect(locked).toMatchObject({ versioning: 'Enabled', objectLock: {} })
  for (const versioning of [undefined, 'Suspended'] as const) {
    const plain = bucket(versioning && { versioning })
    expect(refusal(() => withObjectLock(plain, {}))).toBe('VersioningNotEnabled')
  }
  expect(refusal(() => withVersioning(locked, 'Suspended'))).toBe('VersioningFixed')
  expect(withVersioning(locked, 'Enabled')).toEqual(locked)
  expect(withVersioning(bucket({ versioning: 'Enabled' }), 'Suspended').versioning).toBe('Suspended')
})
