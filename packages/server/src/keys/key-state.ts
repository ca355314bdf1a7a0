/** What a key's state forbids (developer guide, "Key states of AWS KMS keys"). Asked after authorization. */
import { Fault } from '../core/fault.ts'
import type { KeyAction } from './key-actions.ts'
import { requireUsage } from './key-specs.ts'
import type { KmsKey } from './kms-records.ts'

/** For what uses the key's material. Throws KmsKeyUsageInvalid, and as `requireUsable`. */
export function requireUsableFor(key: KmsKey, action: KeyAction): void {
  requireUsage(key, action)
  requireUsable(key)
}

/** Throws KmsKeyDisabled or KmsKeyStateInvalid. */
export function requireUsable(key: KmsKey): void {
  if (key.state === 'Disabled') throw new Fault('KmsKeyDisabled', { keyArn: key.arn })
  requireLasting(key)
}

/** For changes of a key that is going to stay. Throws KmsKeyStateInvalid. */
export function requireLasting(key: KmsKey): void {
  if (key.state === 'PendingDeletion') {
    throw new Fault('KmsKeyStateInvalid', { keyArn: key.arn, state: 'pending deletion' })
  }
}
