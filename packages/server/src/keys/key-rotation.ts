/**
 * When a key's material is replaced (developer guide, "Rotate AWS KMS keys"). The newest material encrypts; all that came
 * before still decrypts what was made with it. Nothing is encrypted anew.
 */
import { Fault } from '../core/fault.ts'
import { requireOrigin, requirePending, withPendingActivated } from './imported-material.ts'
import { isPrimary, requirePrimary } from './key-regions.ts'
import { specOf } from './key-specs.ts'
import { requireUsable } from './key-state.ts'
import type { KmsKey, RotationSchedule, RotationType } from './kms-records.ts'

export const DEFAULT_PERIOD_DAYS = 365
/** For one key, ever; not adjustable (API reference, RotateKeyOnDemand). */
const MAX_ON_DEMAND = 25
const DAY_MS = 86_400_000

/** Throws KmsUnsupported: only keys that encrypt have more than one material, since only a ciphertext names its own. */
export function requireRotatable(key: KmsKey): void {
  if (specOf(key) === 'SYMMETRIC_DEFAULT') return
  throw new Fault('KmsUnsupported', {
    message: `${key.arn} key spec is ${specOf(key)} which is not valid for this operation.`,
  })
}

/** Throws as `requireRotatable`, and for keys that no schedule can rotate, since their material is imported. */
export function requireSchedulable(key: KmsKey): void {
  requireRotatable(key)
  requireOrigin(key, 'AWS_KMS')
}

/** Undefined where the key is rotated on demand only. */
export function rotationSchedule(key: KmsKey): RotationSchedule | undefined {
  if (key.rotationSchedule || key.manager === 'CUSTOMER') return key.rotationSchedule
  // Managed keys always are, and nobody can change it.
  return scheduled(DEFAULT_PERIOD_DAYS, key.createdAtMs)
}

/** Asking again for the period that holds does not put the next rotation off. Throws as `withoutSchedule`. */
export function withSchedule(key: KmsKey, periodDays: number, nowMs: number): KmsKey {
  requireSchedulable(key)
  requirePrimary(key)
  requireUsable(key)
  if (key.rotationSchedule?.periodDays === periodDays) return key
  return { ...key, rotationSchedule: scheduled(periodDays, nowMs) }
}

/** Throws as `requireSchedulable`, `requirePrimary` and `requireUsable`. */
export function withoutSchedule(key: KmsKey): KmsKey {
  requireSchedulable(key)
  requirePrimary(key)
  requireUsable(key)
  const { rotationSchedule: _, ...rest } = key
  return rest
}

/** Throws as `requireRotatable`, `requirePrimary` and `requireUsable`, KmsLimitExceeded, and as `requirePending`. */
export function requireOnDemandRotation(key: KmsKey, replicas: readonly KmsKey[]): void {
  requireRotatable(key)
  requirePrimary(key)
  requireUsable(key)
  if (key.imported) requirePending(key, ...replicas)
  const onDemand = (key.rotations ?? []).filter(({ type }) => type === 'ON_DEMAND').length
  if (onDemand < MAX_ON_DEMAND) return
  throw new Fault('KmsLimitExceeded', {
    message: `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${key.arn}`,
  })
}

/**
 * When the key is to be rotated by its schedule; infinite where it is not. A key that cannot be used is not; one that is
 * enabled again when its time has passed is, at once. Replicas follow.
 */
export function rotationDueAtMs(key: KmsKey): number {
  const schedule = rotationSchedule(key)
  return isPrimary(key) && key.state === 'Enabled' && schedule ? schedule.nextAtMs : Number.POSITIVE_INFINITY
}

/**
 * The key with new material, which encrypts from now on: that which was imported for it, else what `wrapped` makes. Only a
 * rotation by schedule moves the schedule. Throws KmsMaterialStateInvalid where none was imported.
 */
export async function rotated(
  key: KmsKey,
  wrapped: () => Promise<string>,
  type: RotationType,
  nowMs: number,
): Promise<KmsKey> {
  const schedule = type === 'AUTOMATIC' ? rotationSchedule(key) : undefined
  return {
    ...(key.imported ? withPendingActivated(key) : { ...key, material: [...key.material, await wrapped()] }),
    rotations: [...(key.rotations ?? []), { atMs: nowMs, type }],
    ...(schedule && { rotationSchedule: scheduled(schedule.periodDays, nowMs) }),
  }
}

const scheduled = (periodDays: number, fromMs: number): RotationSchedule => ({
  periodDays,
  nextAtMs: fromMs + periodDays * DAY_MS,
})
