/** The kinds of keys that there are, one row each, and what a key of each is for (API reference, CreateKey). */
import { Fault } from '../core/fault.ts'
import { factsOf, type KeyAction } from './key-actions.ts'
import type { KmsKey } from './kms-records.ts'

export type KeyUsage = 'ENCRYPT_DECRYPT' | 'GENERATE_VERIFY_MAC'
export type KeySpec = keyof typeof KEY_SPECS
export type MacAlgorithm = Extract<(typeof KEY_SPECS)[KeySpec], { hash: string }>['algorithm']

export const KEY_SPECS = {
  SYMMETRIC_DEFAULT: { usage: 'ENCRYPT_DECRYPT', algorithm: 'SYMMETRIC_DEFAULT', materialBytes: 32 },
  HMAC_224: { usage: 'GENERATE_VERIFY_MAC', algorithm: 'HMAC_SHA_224', materialBytes: 28, hash: 'sha224' },
  HMAC_256: { usage: 'GENERATE_VERIFY_MAC', algorithm: 'HMAC_SHA_256', materialBytes: 32, hash: 'sha256' },
  HMAC_384: { usage: 'GENERATE_VERIFY_MAC', algorithm: 'HMAC_SHA_384', materialBytes: 48, hash: 'sha384' },
  HMAC_512: { usage: 'GENERATE_VERIFY_MAC', algorithm: 'HMAC_SHA_512', materialBytes: 64, hash: 'sha512' },
} as const

export const KEY_SPEC_NAMES = Object.keys(KEY_SPECS) as readonly KeySpec[]
export const MAC_ALGORITHMS: readonly MacAlgorithm[] = Object.values(KEY_SPECS).flatMap((spec) =>
  'hash' in spec ? [spec.algorithm] : [],
)

export const specOf = (key: Pick<KmsKey, 'keySpec'>): KeySpec => key.keySpec ?? 'SYMMETRIC_DEFAULT'
export const usageOf = (key: KmsKey): KeyUsage => KEY_SPECS[specOf(key)].usage

/** Whether keys of this kind are for the action; whatever uses no material is for all. */
export function isFor(key: KmsKey, action: KeyAction): boolean {
  const needed = factsOf(action).usage
  return needed === undefined || needed === usageOf(key)
}

/** Throws KmsKeyUsageInvalid where `isFor` says no. */
export function requireUsage(key: KmsKey, action: KeyAction): void {
  if (isFor(key, action)) return
  const operation = action.slice('kms:'.length).replace(/^ReEncrypt.*/, 'ReEncrypt')
  throw new Fault('KmsKeyUsageInvalid', {
    message: `${key.arn} key usage is ${usageOf(key)} which is not valid for ${operation}.`,
  })
}

/** The name of the hash for node:crypto. Throws KmsKeyUsageInvalid where the key is for another algorithm. */
export function macHash(key: KmsKey, algorithm: MacAlgorithm): string {
  const spec = KEY_SPECS[specOf(key)]
  if ('hash' in spec && spec.algorithm === algorithm) return spec.hash
  throw new Fault('KmsKeyUsageInvalid', {
    message: `Algorithm ${algorithm} is incompatible with key spec ${specOf(key)}.`,
  })
}
