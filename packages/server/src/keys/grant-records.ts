/** Records of grants. */
import { createHash, randomBytes } from 'node:crypto'
import { name, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'
import type { EncryptionContext } from './key-material.ts'
import { keyName } from './kms-records.ts'

/** What a grant gives, to whom; in AWS's words. */
export interface GrantTerms {
  readonly granteePrincipal: string
  readonly retiringPrincipal?: string | undefined
  readonly operations: readonly GrantOperation[]
  readonly constraints?: GrantConstraints | undefined
}

/** Both must hold where both are there. */
export interface GrantConstraints {
  readonly EncryptionContextSubset?: EncryptionContext
  readonly EncryptionContextEquals?: EncryptionContext
}

export interface KmsGrant extends GrantTerms {
  readonly accountId: string
  readonly keyId: string
  readonly keyArn: string
  readonly grantId: string
  readonly name?: string | undefined
  /** ARN of the account of whoever made it. */
  readonly issuingAccount: string
  readonly createdAtMs: number
}

export type GrantOperation = (typeof GRANTABLE_OPERATIONS)[number]

export const GRANTABLE_OPERATIONS = [
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
  'Sign',
  'Verify',
  'GetPublicKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'DeriveSharedSecret',
  'GenerateMac',
  'VerifyMac',
  'CreateGrant',
  'RetireGrant',
  'DescribeKey',
] as const

export const grantRecord = defineRecord<KmsGrant>({ label: 'KMS grant', prefix: 'x', formatVersion: 1, cached: true })
/** Finds the grants that a principal may retire, on whatever key they are. */
export const retirableGrant = defineRecord<Pick<KmsGrant, 'accountId' | 'keyId' | 'grantId'>>({
  label: 'retirable KMS grant',
  prefix: 'y',
  formatVersion: 1,
  cached: true,
})

/** 64 hex digits, as AWS's; the first half is the grantee's, so that all grants to one stand together. */
export const newGrantId = (granteePrincipal: string) => halfOf(granteePrincipal) + randomBytes(16).toString('hex')
export const isGrantId = (text: string) => /^[0-9a-f]{64}$/.test(text)

type GrantNames = Pick<KmsGrant, 'accountId' | 'keyId' | 'grantId'>

export const grantNames = {
  grant: ({ accountId, keyId, grantId }: GrantNames) => name(keyName(accountId, keyId), ZERO, grantId),
  /** What the names of all grants of a key begin with. */
  ofKey: (accountId: string, keyId: string) => name(keyName(accountId, keyId), ZERO),
  /** What the names of a key's grants to one principal begin with. */
  ofGrantee: (accountId: string, keyId: string, principal: string) =>
    name(keyName(accountId, keyId), ZERO, halfOf(principal)),
  retirable: (principal: string, { accountId, keyId, grantId }: GrantNames) =>
    name(halfOf(principal), keyName(accountId, keyId), ZERO, grantId),
  /** What the names of the grants that one principal may retire begin with. */
  ofRetiring: (principal: string) => name(halfOf(principal)),
}

function halfOf(principal: string): string {
  return createHash('sha256').update(`strongroom grant principal ${principal}`).digest('hex').slice(0, 32)
}
