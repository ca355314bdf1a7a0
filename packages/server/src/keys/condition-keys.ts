/**
 * The KMS's condition keys as rows: how each follows from a use of a key (Service Authorization Reference, "Condition
 * keys for AWS Key Management Service"; developer guide, "Condition keys for AWS KMS").
 */
import type { CallContext } from '../policy/call.ts'
import { type KeyTable, type KeyValue, tagValue } from '../policy/condition-keys.ts'
import type {
  EncryptionAlgorithm,
  KeyAgreementAlgorithm,
  MacAlgorithm,
  MessageType,
  SigningAlgorithm,
} from './algorithms.ts'
import type { GrantTerms } from './grant-records.ts'
import { type ExpirationModel, type KeyOrigin, originOf } from './imported-material.ts'
import { type AccountAction, factsOf, KEY_ACTIONS, type KeyAction } from './key-actions.ts'
import type { EncryptionContext } from './key-material.ts'
import { type MultiRegionKeyType, multiRegionKeyType } from './key-regions.ts'
import { type DataKeyPairSpec, type KeySpec, type KeyUsage, specOf, usageOf } from './key-specs.ts'
import type { KmsKey, KmsTag } from './kms-records.ts'
import type { WrappingAlgorithm, WrappingKeySpec } from './wrapping-keys.ts'

/** What a call means to do, as far as policies and grants may ask. */
export interface KeyUse<A extends KeyAction | AccountAction = KeyAction> {
  readonly action: A
  readonly encryptionContext?: EncryptionContext
  /** Of ReEncrypt: whether source and destination are one key. */
  readonly onSameKey?: boolean
  /** The grant to be made or retired. */
  readonly grant?: GrantTerms | undefined
  /** The tags to be set. */
  readonly tags?: readonly KmsTag[]
  /** The keys of tags to be set or removed. */
  readonly tagKeys?: readonly string[]
  /** Of CreateKey. */
  readonly keySpec?: KeySpec
  readonly keyUsage?: KeyUsage
  /** Absent: SYMMETRIC_DEFAULT, where the use is one of encryption. */
  readonly encryptionAlgorithm?: EncryptionAlgorithm
  readonly macAlgorithm?: MacAlgorithm
  readonly signingAlgorithm?: SigningAlgorithm
  readonly messageType?: MessageType
  readonly keyAgreementAlgorithm?: KeyAgreementAlgorithm
  /** Of the pair to be made. */
  readonly keyPairSpec?: DataKeyPairSpec
  readonly pendingWindowInDays?: number
  readonly rotationPeriodInDays?: number | undefined
  readonly bypassesLockoutCheck?: boolean
  /** Of CreateKey. */
  readonly origin?: KeyOrigin
  /** Of CreateKey; undefined: a key of one region. */
  readonly multiRegionKeyType?: MultiRegionKeyType | undefined
  readonly primaryRegion?: string
  readonly replicaRegion?: string
  readonly wrappingKeySpec?: WrappingKeySpec
  readonly wrappingAlgorithm?: WrappingAlgorithm
  readonly expirationModel?: ExpirationModel
  readonly validToMs?: number | undefined
}

export interface KeySubject {
  readonly call: CallContext
  /** Undefined where the use is of no key that there is. */
  readonly key: KmsKey | undefined
  readonly use: KeyUse<KeyAction | AccountAction>
  /** The alias by which the request names the key. */
  readonly requestAlias: string | undefined
  /** Aliases of the key; looked up only where a policy asks for them. */
  readonly aliases: readonly string[]
  /** For how long the key has not been used; likewise. */
  readonly trailingDays?: number | undefined
}

type Row = (subject: KeySubject) => KeyValue

const ofNewGrant =
  (value: (grant: GrantTerms) => KeyValue): Row =>
  ({ use }) =>
    use.action === 'kms:CreateGrant' && use.grant ? value(use.grant) : undefined

const multiRegionIn = ({ key, use }: KeySubject): MultiRegionKeyType | undefined =>
  key ? multiRegionKeyType(key) : use.multiRegionKeyType

const isEncryption = ({ action }: KeyUse<KeyAction | AccountAction>) =>
  action in KEY_ACTIONS && factsOf(action as KeyAction).usage === 'ENCRYPT_DECRYPT'

export const KMS_KEYS: KeyTable<KeySubject> = {
  keys: {
    'kms:calleraccount': ({ call: { principal } }) =>
      principal.named.kind === 'Anonymous' || principal.named.kind === 'Service' ? undefined : principal.accountId,
    'kms:viaservice': ({ call }) => call.via && `${call.via}.${call.region}.amazonaws.com`,
    'kms:encryptioncontextkeys': ({ use: { encryptionContext } }) => {
      const names = Object.keys(encryptionContext ?? {})
      return names.length === 0 ? undefined : names
    },
    'kms:encryptionalgorithm': ({ use }) =>
      isEncryption(use) ? (use.encryptionAlgorithm ?? 'SYMMETRIC_DEFAULT') : undefined,
    'kms:reencryptonsamekey': ({ use }) => use.onSameKey,
    'kms:macalgorithm': ({ use }) => use.macAlgorithm,
    'kms:signingalgorithm': ({ use }) => use.signingAlgorithm,
    'kms:messagetype': ({ use }) => use.messageType,
    'kms:keyagreementalgorithm': ({ use }) => use.keyAgreementAlgorithm,
    'kms:datakeypairspec': ({ use }) => use.keyPairSpec,
    'kms:keyspec': ({ key, use }) => (key ? specOf(key) : use.keySpec),
    'kms:keyusage': ({ key, use }) => (key || use.keySpec) && usageOf(key ?? use),
    'kms:keyorigin': ({ key, use }) => (key ? originOf(key) : use.origin),
    'kms:wrappingkeyspec': ({ use }) => use.wrappingKeySpec,
    'kms:wrappingalgorithm': ({ use }) => use.wrappingAlgorithm,
    'kms:expirationmodel': ({ use }) => use.expirationModel,
    // In seconds; policies ask for it by the operators of dates as well as by those of numbers.
    'kms:validto': ({ use: { validToMs } }) => validToMs && validToMs / 1000,
    'kms:multiregion': (subject) => {
      const { key, use } = subject
      return key || use.action === 'kms:CreateKey' ? multiRegionIn(subject) !== undefined : undefined
    },
    'kms:multiregionkeytype': multiRegionIn,
    'kms:primaryregion': ({ use }) => use.primaryRegion,
    'kms:replicaregion': ({ use }) => use.replicaRegion,
    'kms:requestalias': ({ requestAlias }) => requestAlias,
    'kms:resourcealiases': ({ aliases }) => (aliases.length === 0 ? undefined : aliases),
    'kms:grantoperations': ofNewGrant(({ operations }) => operations),
    'kms:granteeprincipal': ofNewGrant(({ granteePrincipal }) => granteePrincipal),
    'kms:retiringprincipal': ofNewGrant(({ retiringPrincipal }) => retiringPrincipal),
    'kms:grantconstrainttype': ({ use: { grant } }) => {
      const types = Object.keys(grant?.constraints ?? {})
      return types.length === 0 ? undefined : types
    },
    // No service makes grants here.
    'kms:grantisforawsresource': ({ use: { action } }) =>
      action === 'kms:CreateGrant' || action === 'kms:ListGrants' || action === 'kms:RevokeGrant' ? false : undefined,
    'kms:schedulekeydeletionpendingwindowindays': ({ use }) => use.pendingWindowInDays,
    'kms:trailingdayswithoutkeyusage': ({ trailingDays }) => trailingDays,
    'kms:rotationperiodindays': ({ use }) => use.rotationPeriodInDays,
    'kms:bypasspolicylockoutsafetycheck': ({ use }) => use.bypassesLockoutCheck,
    'aws:tagkeys': ({ use }) => use.tagKeys ?? use.tags?.map(({ TagKey }) => TagKey),
  },
  families: {
    // The name of a pair is found without regard to case, its value with.
    'kms:encryptioncontext:': ({ use }, name) => tagValue(use.encryptionContext ?? {}, name),
    'aws:resourcetag/': ({ key }, name) => key && tagValue(byKey(key.tags), name),
    'aws:requesttag/': ({ use }, name) => use.tags && tagValue(byKey(use.tags), name),
  },
}

const byKey = (tags: readonly KmsTag[]): Record<string, string> =>
  Object.fromEntries(tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]))
