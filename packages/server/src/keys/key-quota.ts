/** Which request quota a use of a key counts against (KMS developer guide, "Shared quotas for cryptographic operations"). */
import type { QuotaName } from '../quota/quotas.ts'
import type { KeyUse } from './condition-keys.ts'
import { specOf } from './key-specs.ts'
import type { KmsKey } from './kms-records.ts'

/** By the beginning of the key spec; HMAC keys are symmetric too. */
const QUOTA_OF_KIND: readonly (readonly [kind: string, quota: QuotaName])[] = [
  ['RSA_', 'rsa'],
  ['ECC_', 'ecc'],
  ['ML_DSA_', 'mlDsa'],
]

/** Undefined where the use is counted elsewhere, or as another. */
export function quotaOfUse(key: KmsKey, { action, keyPairSpec }: KeyUse): QuotaName | undefined {
  // ReEncrypt is one call, counted with the key that it goes to; GetPublicKey has a quota of its own for all keys.
  if (action === 'kms:ReEncryptFrom' || action === 'kms:GetPublicKey') return undefined
  if (keyPairSpec) return `GenerateDataKeyPair_${keyPairSpec}`
  const spec = specOf(key)
  return QUOTA_OF_KIND.find(([kind]) => spec.startsWith(kind))?.[1] ?? 'symmetric'
}
