/** Which request quota a use of a key counts against (KMS developer guide, "Shared quotas for cryptographic operations"). */
import type { QuotaName } from '../quota/quotas.ts'
import { specOf } from './key-specs.ts'
import type { KmsKey } from './kms-records.ts'

/** By the beginning of the key spec; HMAC keys are symmetric too. */
const QUOTA_OF_KIND: readonly (readonly [kind: string, quota: QuotaName])[] = [
  ['RSA_', 'rsa'],
  ['ECC_', 'ecc'],
  ['ML_DSA_', 'mlDsa'],
]

export function quotaOfKey(key: KmsKey): QuotaName {
  const spec = specOf(key)
  return QUOTA_OF_KIND.find(([kind]) => spec.startsWith(kind))?.[1] ?? 'symmetric'
}
