/** What a key's state forbids (developer guide, "Key states of AWS KMS keys"). Asked after authorization. */
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { KeyUse } from './condition-keys.ts'
import type { KeyAction } from './key-actions.ts'
import { requireUsage } from './key-specs.ts'
import type { KeyState, KmsKey } from './kms-records.ts'

/** The key that a request names, where the use is allowed and the key fit for it. The one way to a key's material for each use. */
export type UsableKey = (call: CallContext, keyId: string, use: KeyUse) => Promise<KmsKey>

/** For what uses the key's material. Throws as `requireUsage` and `requireUsable`. */
export function requireUsableFor(key: KmsKey, action: KeyAction): void {
  requireUsage(key, action)
  requireUsable(key)
}

/** Throws KmsKeyDisabled or KmsKeyStateInvalid. */
export function requireUsable(key: KmsKey): void {
  if (key.state === 'Disabled') throw new Fault('KmsKeyDisabled', { keyArn: key.arn })
  requireWhole(key)
}

/** For what takes a key with material, enabled or not. Throws KmsKeyStateInvalid. */
export function requireWhole(key: KmsKey): void {
  requireNot(key, 'PendingImport')
  requireLasting(key)
}

/** For changes of a key that is going to stay. Throws KmsKeyStateInvalid. */
export function requireLasting(key: KmsKey): void {
  requireNot(key, 'PendingDeletion')
  requireNot(key, 'PendingReplicaDeletion')
}

/** For what ends a deletion. Throws KmsKeyStateInvalid. */
export function requireLeaving(key: KmsKey): void {
  if (isLeaving(key)) return
  throw new Fault('KmsKeyStateInvalid', { keyArn: key.arn, state: 'not pending deletion' })
}

export const isLeaving = ({ state }: KmsKey) => state === 'PendingDeletion' || state === 'PendingReplicaDeletion'

function requireNot(key: KmsKey, state: keyof typeof WORDS): void {
  if (key.state === state) throw new Fault('KmsKeyStateInvalid', { keyArn: key.arn, state: WORDS[state] })
}

/** They complete the text `<arn> is …`. */
const WORDS = {
  PendingDeletion: 'pending deletion',
  PendingReplicaDeletion: 'pending replica deletion',
  PendingImport: 'pending import',
} as const satisfies Partial<Record<KeyState, string>>
