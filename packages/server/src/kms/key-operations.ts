/** The KMS operations on keys themselves, as rows: made, found, described, put out of use. */
import { Fault } from '../core/fault.ts'
import { expirationOf, type KeyOrigin, originOf } from '../keys/imported-material.ts'
import { materialId } from '../keys/key-material.ts'
import { arnIn, multiRegionKeyType } from '../keys/key-regions.ts'
import { KEY_SPEC_NAMES, type KeySpec, type KeyUsage, specOf, usagesOf } from '../keys/key-specs.ts'
import type { Kms } from '../keys/kms.ts'
import type { KmsKey, MultiRegionSet } from '../keys/kms-records.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { validation } from './errors.ts'
import { takingTokens } from './grant-operations.ts'
import { keyKind } from './key-algorithms.ts'
import { optionalPolicy } from './key-policy-operations.ts'
import { refuseMembers } from './not-here.ts'
import { readMarker, truncation } from './paging.ts'

const seconds = (ms: number) => ms / 1000
/** AWS's other, in China; refused by name. */
const SPECS_NOT_HERE = ['SM2']
const KEY_USAGES = ['SIGN_VERIFY', 'ENCRYPT_DECRYPT', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'] as const

export const KEY_OPERATIONS = {
  CreateKey: {
    readOnly: false,
    async run(kms, call, input) {
      refuseMembers(input, 'CustomKeyStoreId', 'XksKeyId')
      const key = await kms.keys.createKey(call, {
        ...readKind(input),
        origin: readOrigin(input),
        multiRegion: input.flag('MultiRegion'),
        description: input.optionalText('Description', 8192) ?? '',
        tags: input.tags(),
        policy: optionalPolicy(input),
        bypassesLockoutCheck: input.flag('BypassPolicyLockoutSafetyCheck'),
      })
      return { KeyMetadata: metadata(key) }
    },
  },
  DescribeKey: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => ({
      KeyMetadata: metadata(await kms.keys.describeKey(call, input.keyId())),
    })),
  },
  ListKeys: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? 100
      const found = await kms.keys.listKeys(call, readMarker(input), limit + 1)
      const page = found.slice(0, limit)
      return {
        Keys: page.map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })),
        ...truncation(found.length > limit, page.at(-1)?.keyId),
      }
    },
  },
  UpdateKeyDescription: {
    readOnly: false,
    async run(kms, call, input) {
      await kms.keys.updateDescription(call, input.keyId(), input.text('Description', 8192, 0))
      return {}
    },
  },
  EnableKey: {
    readOnly: false,
    run: (kms, call, input) => kms.keys.setEnabled(call, input.keyId(), true).then(() => ({})),
  },
  DisableKey: {
    readOnly: false,
    run: (kms, call, input) => kms.keys.setEnabled(call, input.keyId(), false).then(() => ({})),
  },
  ScheduleKeyDeletion: {
    readOnly: false,
    async run(kms, call, input) {
      const days = input.optionalNumber('PendingWindowInDays', 7, 30) ?? 30
      const key = await kms.keys.scheduleDeletion(call, input.keyId(), days)
      return {
        KeyId: key.arn,
        ...(key.deletionAtMs !== undefined && { DeletionDate: seconds(key.deletionAtMs) }),
        KeyState: key.state,
        PendingWindowInDays: days,
      }
    },
  },
  CancelKeyDeletion: {
    readOnly: false,
    run: async (kms, call, input) => ({ KeyId: (await kms.keys.cancelDeletion(call, input.keyId())).arn }),
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

/** Throws ValidationException as AWS does, and KmsUnsupported for what this server has not. */
function readKind(input: Input): { readonly keySpec: KeySpec; readonly keyUsage: KeyUsage | undefined } {
  const asked = input.has('KeySpec') ? 'KeySpec' : 'CustomerMasterKeySpec'
  const spec = input.choice(asked, [...KEY_SPEC_NAMES, ...SPECS_NOT_HERE]) ?? 'SYMMETRIC_DEFAULT'
  const usage = input.choice('KeyUsage', KEY_USAGES)
  const here = KEY_SPEC_NAMES.find((one) => one === spec)
  if (here === undefined)
    throw new Fault('KmsUnsupported', { message: `KeySpec ${spec} is not supported by this server.` })
  if (usage === undefined && here !== 'SYMMETRIC_DEFAULT') {
    throw validation('You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.')
  }
  if (usage !== undefined && !usagesOf(here).includes(usage)) {
    throw validation(`KeyUsage ${usage} is not compatible with KeySpec ${here}`)
  }
  return { keySpec: here, keyUsage: usage }
}

/** Throws KmsUnsupported for material that is kept elsewhere. */
function readOrigin(input: Input): KeyOrigin {
  const origin = input.choice('Origin', ['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'] as const)
  if (origin === 'AWS_CLOUDHSM' || origin === 'EXTERNAL_KEY_STORE') {
    throw new Fault('KmsUnsupported', { message: `Origin ${origin} is not supported by this server.` })
  }
  return origin ?? 'AWS_KMS'
}

export function metadata(key: KmsKey): Record<string, unknown> {
  const expiration = expirationOf(key)
  return {
    AWSAccountId: key.accountId,
    KeyId: key.keyId,
    Arn: key.arn,
    CreationDate: seconds(key.createdAtMs),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyState: key.state,
    ...(key.deletionAtMs !== undefined && { DeletionDate: seconds(key.deletionAtMs) }),
    Origin: originOf(key),
    ...(expiration && { ExpirationModel: expiration.model }),
    ...(expiration?.validToMs !== undefined && { ValidTo: seconds(expiration.validToMs) }),
    KeyManager: key.manager,
    ...keyKind(key),
    ...(specOf(key) === 'SYMMETRIC_DEFAULT' && currentMaterial(key)),
    ...(key.pendingWindowDays !== undefined && { PendingDeletionWindowInDays: key.pendingWindowDays }),
    MultiRegion: key.multiRegion !== undefined,
    ...(key.multiRegion && { MultiRegionConfiguration: multiRegionConfiguration(key, key.multiRegion) }),
  }
}

function multiRegionConfiguration(key: KmsKey, { primaryRegion, replicaRegions }: MultiRegionSet) {
  const at = (region: string) => ({ Arn: arnIn(region, key.arn), Region: region })
  return {
    MultiRegionKeyType: multiRegionKeyType(key),
    PrimaryKey: at(primaryRegion),
    ReplicaKeys: replicaRegions.map(at),
  }
}

/** Nothing of a key that has never had any. */
const currentMaterial = (key: KmsKey) =>
  key.material.length > 0 && { CurrentKeyMaterialId: materialId(key, key.material.length) }
