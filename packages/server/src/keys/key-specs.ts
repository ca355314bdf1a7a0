/** The kinds of keys that there are, one row each: what a key of each may be for, by which algorithms, and its material (API reference, CreateKey). */
import { Fault } from '../core/fault.ts'
import type { Algorithm } from './algorithms.ts'
import { factsOf, type KeyAction } from './key-actions.ts'
import type { KmsKey } from './kms-records.ts'

export type KeyUsage = 'ENCRYPT_DECRYPT' | 'SIGN_VERIFY' | 'GENERATE_VERIFY_MAC' | 'KEY_AGREEMENT'
export type KeySpec = keyof typeof KEY_SPECS

/** Random bytes that are the secret, or a key pair as node:crypto makes it. */
export type MaterialFacts = { readonly kind: 'secret'; readonly bytes: number } | PairFacts

export interface PairFacts {
  readonly kind: 'pair'
  readonly type: 'rsa' | 'ec' | 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87'
  readonly options?: { readonly modulusLength: number } | { readonly namedCurve: string }
}

export interface KeySpecFacts {
  /** By the usages that a key of the spec can have; the order is AWS's. */
  readonly algorithms: { readonly [U in KeyUsage]?: readonly Algorithm[] }
  readonly material: MaterialFacts
}

const spec = (algorithms: KeySpecFacts['algorithms'], material: MaterialFacts): KeySpecFacts => ({
  algorithms,
  material,
})
const secret = (bytes: number): MaterialFacts => ({ kind: 'secret', bytes })
const rsa = (modulusLength: number): MaterialFacts => ({ kind: 'pair', type: 'rsa', options: { modulusLength } })
const curve = (namedCurve: string): MaterialFacts => ({ kind: 'pair', type: 'ec', options: { namedCurve } })

const forRsa: KeySpecFacts['algorithms'] = {
  ENCRYPT_DECRYPT: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  SIGN_VERIFY: [
    'RSASSA_PKCS1_V1_5_SHA_256',
    'RSASSA_PKCS1_V1_5_SHA_384',
    'RSASSA_PKCS1_V1_5_SHA_512',
    'RSASSA_PSS_SHA_256',
    'RSASSA_PSS_SHA_384',
    'RSASSA_PSS_SHA_512',
  ],
}
const forMlDsa: KeySpecFacts['algorithms'] = { SIGN_VERIFY: ['ML_DSA_SHAKE_256'] }

export const KEY_SPECS = {
  SYMMETRIC_DEFAULT: spec({ ENCRYPT_DECRYPT: ['SYMMETRIC_DEFAULT'] }, secret(32)),
  HMAC_224: spec({ GENERATE_VERIFY_MAC: ['HMAC_SHA_224'] }, secret(28)),
  HMAC_256: spec({ GENERATE_VERIFY_MAC: ['HMAC_SHA_256'] }, secret(32)),
  HMAC_384: spec({ GENERATE_VERIFY_MAC: ['HMAC_SHA_384'] }, secret(48)),
  HMAC_512: spec({ GENERATE_VERIFY_MAC: ['HMAC_SHA_512'] }, secret(64)),
  RSA_2048: spec(forRsa, rsa(2048)),
  RSA_3072: spec(forRsa, rsa(3072)),
  RSA_4096: spec(forRsa, rsa(4096)),
  ECC_NIST_P256: spec({ SIGN_VERIFY: ['ECDSA_SHA_256'], KEY_AGREEMENT: ['ECDH'] }, curve('prime256v1')),
  ECC_NIST_P384: spec({ SIGN_VERIFY: ['ECDSA_SHA_384'], KEY_AGREEMENT: ['ECDH'] }, curve('secp384r1')),
  ECC_NIST_P521: spec({ SIGN_VERIFY: ['ECDSA_SHA_512'], KEY_AGREEMENT: ['ECDH'] }, curve('secp521r1')),
  ECC_SECG_P256K1: spec({ SIGN_VERIFY: ['ECDSA_SHA_256'] }, curve('secp256k1')),
  ECC_NIST_EDWARDS25519: spec(
    { SIGN_VERIFY: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'] },
    { kind: 'pair', type: 'ed25519' },
  ),
  ML_DSA_44: spec(forMlDsa, { kind: 'pair', type: 'ml-dsa-44' }),
  ML_DSA_65: spec(forMlDsa, { kind: 'pair', type: 'ml-dsa-65' }),
  ML_DSA_87: spec(forMlDsa, { kind: 'pair', type: 'ml-dsa-87' }),
}

export const KEY_SPEC_NAMES = Object.keys(KEY_SPECS) as readonly KeySpec[]

/** The kinds of pairs that a key encrypts for use elsewhere (API reference, GenerateDataKeyPair). */
export type DataKeyPairSpec = (typeof DATA_KEY_PAIR_SPECS)[number]
export const DATA_KEY_PAIR_SPECS = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'ECC_NIST_EDWARDS25519',
] as const satisfies readonly KeySpec[]

export const usagesOf = (spec: KeySpec) => Object.keys(KEY_SPECS[spec].algorithms) as readonly KeyUsage[]
export const specOf = (key: Pick<KmsKey, 'keySpec'>): KeySpec => key.keySpec ?? 'SYMMETRIC_DEFAULT'
export const usageOf = (key: Pick<KmsKey, 'keySpec' | 'keyUsage'>): KeyUsage =>
  key.keyUsage ?? usagesOf(specOf(key))[0]!
export const algorithmsOf = (key: KmsKey): readonly Algorithm[] => KEY_SPECS[specOf(key)].algorithms[usageOf(key)]!
export const materialOf = (key: Pick<KmsKey, 'keySpec'>): MaterialFacts => KEY_SPECS[specOf(key)].material

/** Whether keys of this kind are for the action; whatever uses no material is for all. */
export function isFor(key: KmsKey, action: KeyAction): boolean {
  const { usage = usageOf(key), material = materialOf(key).kind } = factsOf(action)
  return usage === usageOf(key) && material === materialOf(key).kind
}

/** Throws KmsKeyUsageInvalid where `isFor` says no; KmsUnsupported where the key should be a pair whatever it is for. */
export function requireUsage(key: KmsKey, action: KeyAction): void {
  if (isFor(key, action)) return
  const operation = action.slice('kms:'.length).replace(/^ReEncrypt.*/, 'ReEncrypt')
  const { usage } = factsOf(action)
  if (usage !== undefined && usage !== usageOf(key)) {
    throw new Fault('KmsKeyUsageInvalid', {
      message: `${key.arn} key usage is ${usageOf(key)} which is not valid for ${operation}.`,
    })
  }
  throw new Fault(usage === undefined ? 'KmsUnsupported' : 'KmsKeyUsageInvalid', {
    message: `${key.arn} key spec is ${specOf(key)} which is not valid for ${operation}.`,
  })
}

/** Throws KmsKeyUsageInvalid where keys of this kind are for other algorithms. */
export function requireAlgorithm(key: KmsKey, algorithm: Algorithm): void {
  if (algorithmsOf(key).includes(algorithm)) return
  throw new Fault('KmsKeyUsageInvalid', {
    message: `Algorithm ${algorithm} is incompatible with key spec ${specOf(key)}.`,
  })
}
