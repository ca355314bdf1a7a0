/** What the KMS's actions have in common and what tells them apart, one row each (developer guide, "AWS KMS permissions"). */
import type { KeyUsage, MaterialFacts } from './key-specs.ts'

interface KeyActionFacts {
  /** Whether the key may be named by an alias. */
  readonly byAlias?: true
  /** Whether callers of other accounts may be allowed it. */
  readonly acrossAccounts?: true
  /** Whether a grant can give it. */
  readonly grantable?: true
  /** What the key must be for, where its material is used. */
  readonly usage?: KeyUsage
  /** What its material must be, where not every key of the usage will do. */
  readonly material?: MaterialFacts['kind']
}

const forUse = { byAlias: true, acrossAccounts: true, grantable: true } as const
const encryption = { ...forUse, usage: 'ENCRYPT_DECRYPT' } as const
const dataKeys = { ...encryption, material: 'secret' } as const
const signing = { ...forUse, usage: 'SIGN_VERIFY' } as const
const mac = { ...forUse, usage: 'GENERATE_VERIFY_MAC' } as const

export const KEY_ACTIONS = {
  'kms:Encrypt': encryption,
  'kms:Decrypt': encryption,
  'kms:ReEncryptFrom': encryption,
  'kms:ReEncryptTo': encryption,
  'kms:GenerateDataKey': dataKeys,
  'kms:GenerateDataKeyWithoutPlaintext': dataKeys,
  'kms:GenerateDataKeyPair': dataKeys,
  'kms:GenerateDataKeyPairWithoutPlaintext': dataKeys,
  'kms:Sign': signing,
  'kms:Verify': signing,
  'kms:DeriveSharedSecret': { ...forUse, usage: 'KEY_AGREEMENT' },
  'kms:GetPublicKey': { ...forUse, material: 'pair' },
  'kms:GenerateMac': mac,
  'kms:VerifyMac': mac,
  'kms:DescribeKey': { byAlias: true, acrossAccounts: true, grantable: true },
  'kms:CreateGrant': { acrossAccounts: true, grantable: true },
  'kms:ListGrants': { acrossAccounts: true },
  'kms:RevokeGrant': { acrossAccounts: true },
  'kms:RetireGrant': { acrossAccounts: true, grantable: true },
  'kms:GetKeyRotationStatus': { acrossAccounts: true },
  'kms:ListKeyRotations': {},
  'kms:EnableKeyRotation': {},
  'kms:DisableKeyRotation': {},
  'kms:RotateKeyOnDemand': {},
  'kms:GetParametersForImport': {},
  'kms:ImportKeyMaterial': {},
  'kms:DeleteImportedKeyMaterial': {},
  'kms:ReplicateKey': {},
  'kms:UpdatePrimaryRegion': {},
  'kms:GetKeyLastUsage': {},
  'kms:GetKeyPolicy': {},
  'kms:PutKeyPolicy': {},
  'kms:ListKeyPolicies': {},
  'kms:ListResourceTags': {},
  'kms:TagResource': {},
  'kms:UntagResource': {},
  'kms:UpdateKeyDescription': {},
  'kms:EnableKey': {},
  'kms:DisableKey': {},
  'kms:ScheduleKeyDeletion': {},
  'kms:CancelKeyDeletion': {},
  'kms:ListAliases': {},
  'kms:CreateAlias': {},
  'kms:UpdateAlias': {},
  'kms:DeleteAlias': {},
} as const satisfies Readonly<Record<string, KeyActionFacts>>

export type KeyAction = keyof typeof KEY_ACTIONS
export const factsOf = (action: KeyAction): KeyActionFacts => KEY_ACTIONS[action]

/** Actions on no key: only the caller's own policies speak. */
export type AccountAction = 'kms:CreateKey' | 'kms:ListKeys' | 'kms:ListRetirableGrants' | 'kms:GenerateRandom'
