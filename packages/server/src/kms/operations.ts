/** The KMS operations, one row each: AWS's name, whether it reads only, and what it does. Source: AWS KMS API reference. */
import { Fault } from '../core/fault.ts'
import { materialId } from '../keys/key-material.ts'
import { KEY_SPEC_NAMES, KEY_SPECS, type KeySpec, specOf } from '../keys/key-specs.ts'
import type { Kms } from '../keys/kms.ts'
import type { KmsKey } from '../keys/kms-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { validation } from './errors.ts'
import { GRANT_OPERATIONS, takingTokens } from './grant-operations.ts'
import { KEY_POLICY_OPERATIONS, optionalPolicy } from './key-policy-operations.ts'
import { MAC_OPERATIONS } from './mac-operations.ts'
import { readMarker, truncation } from './paging.ts'
import { ROTATION_OPERATIONS } from './rotation-operations.ts'
import { TAG_OPERATIONS } from './tag-operations.ts'

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const seconds = (ms: number) => ms / 1000
const MAX_PLAINTEXT = 4096
const MAX_CIPHERTEXT = 6144
/** AWS's others. */
const SPECS_NOT_HERE = [
  ...['RSA_2048', 'RSA_3072', 'RSA_4096'],
  ...['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1', 'ECC_NIST_EDWARDS25519'],
  ...['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87', 'SM2'],
]
const KEY_USAGES = ['SIGN_VERIFY', 'ENCRYPT_DECRYPT', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'] as const
const SYMMETRIC = { EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }

export const KMS_OPERATIONS: Readonly<Record<string, ServiceOperation<Kms>>> = {
  CreateKey: {
    readOnly: false,
    async run(kms, call, input) {
      if ((input.optionalText('Origin', 64) ?? 'AWS_KMS') !== 'AWS_KMS' || input.flag('MultiRegion')) {
        throw new Fault('KmsUnsupported', { message: 'Origin and MultiRegion are not supported by this server.' })
      }
      const key = await kms.keys.createKey(call, {
        keySpec: readSpec(input),
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
        DeletionDate: seconds(key.deletionAtMs!),
        KeyState: key.state,
        PendingWindowInDays: days,
      }
    },
  },
  CancelKeyDeletion: {
    readOnly: false,
    run: async (kms, call, input) => ({ KeyId: (await kms.keys.cancelDeletion(call, input.keyId())).arn }),
  },
  CreateAlias: {
    readOnly: false,
    run: (kms, call, input) =>
      kms.aliases.createAlias(call, input.text('AliasName', 256), input.keyId('TargetKeyId')).then(() => ({})),
  },
  UpdateAlias: {
    readOnly: false,
    run: (kms, call, input) =>
      kms.aliases.updateAlias(call, input.text('AliasName', 256), input.keyId('TargetKeyId')).then(() => ({})),
  },
  DeleteAlias: {
    readOnly: false,
    run: (kms, call, input) => kms.aliases.deleteAlias(call, input.text('AliasName', 256)).then(() => ({})),
  },
  ListAliases: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? 50
      const found = await kms.aliases.listAliases(
        call,
        readMarker(input),
        limit + 1,
        input.optionalText('KeyId', 2048, 1),
      )
      const page = found.slice(0, limit)
      return {
        Aliases: page.map(({ alias, arn, keyId, createdAtMs, updatedAtMs }) => ({
          AliasName: alias,
          AliasArn: arn,
          TargetKeyId: keyId,
          CreationDate: seconds(createdAtMs),
          LastUpdatedDate: seconds(updatedAtMs),
        })),
        ...truncation(found.length > limit, page.at(-1)?.alias),
      }
    },
  },
  Encrypt: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      requireSymmetric(input, 'EncryptionAlgorithm')
      const { ciphertextBlob, keyArn } = await kms.encrypt(call, {
        keyId: input.keyId(),
        plaintext: input.blob('Plaintext', MAX_PLAINTEXT),
        encryptionContext: input.context(),
        dryRun: input.flag('DryRun'),
      })
      return { CiphertextBlob: base64(ciphertextBlob), KeyId: keyArn, ...SYMMETRIC }
    }),
  },
  Decrypt: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      requireSymmetric(input, 'EncryptionAlgorithm')
      const { plaintext, keyArn, keyMaterialId } = await kms.decrypt(call, {
        ciphertextBlob: input.blob('CiphertextBlob', MAX_CIPHERTEXT),
        encryptionContext: input.context(),
        keyId: input.optionalText('KeyId', 2048, 1),
        dryRun: input.flag('DryRun'),
      })
      return { Plaintext: base64(plaintext), KeyId: keyArn, KeyMaterialId: keyMaterialId, ...SYMMETRIC }
    }),
  },
  ReEncrypt: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      requireSymmetric(input, 'SourceEncryptionAlgorithm')
      requireSymmetric(input, 'DestinationEncryptionAlgorithm')
      const done = await kms.reEncrypt(call, {
        ciphertextBlob: input.blob('CiphertextBlob', MAX_CIPHERTEXT),
        sourceContext: input.context('SourceEncryptionContext'),
        sourceKeyId: input.optionalText('SourceKeyId', 2048, 1),
        destinationKeyId: input.keyId('DestinationKeyId'),
        destinationContext: input.context('DestinationEncryptionContext'),
        dryRun: input.flag('DryRun'),
      })
      return {
        CiphertextBlob: base64(done.ciphertextBlob),
        SourceKeyId: done.sourceKeyArn,
        KeyId: done.keyArn,
        SourceKeyMaterialId: done.sourceKeyMaterialId,
        DestinationKeyMaterialId: done.destinationKeyMaterialId,
        SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      }
    }),
  },
  GenerateDataKey: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const { plaintext, reply } = await generate(kms, call, input, 'kms:GenerateDataKey')
      return { ...reply, Plaintext: base64(plaintext) }
    }),
  },
  GenerateDataKeyWithoutPlaintext: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const { plaintext, reply } = await generate(kms, call, input, 'kms:GenerateDataKeyWithoutPlaintext')
      plaintext.fill(0)
      return reply
    }),
  },
  GenerateRandom: {
    readOnly: true,
    async run(kms, call, input) {
      const bytes = input.optionalNumber('NumberOfBytes', 1, 1024)
      if (bytes === undefined) throw validation('NumberOfBytes is required.')
      return { Plaintext: base64(kms.generateRandom(call, bytes)) }
    },
  },
  ...KEY_POLICY_OPERATIONS,
  ...GRANT_OPERATIONS,
  ...MAC_OPERATIONS,
  ...ROTATION_OPERATIONS,
  ...TAG_OPERATIONS,
  ...Object.fromEntries(
    (
      'ConnectCustomKeyStore CreateCustomKeyStore DeleteCustomKeyStore DeleteImportedKeyMaterial ' +
      'DeriveSharedSecret DescribeCustomKeyStores DisconnectCustomKeyStore GenerateDataKeyPair ' +
      'GenerateDataKeyPairWithoutPlaintext GetKeyLastUsage GetParametersForImport GetPublicKey ' +
      'ImportKeyMaterial ReplicateKey Sign UpdateCustomKeyStore UpdatePrimaryRegion Verify'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|List|Describe|Generate|Verify|Derive)/.test(name) }]),
  ),
}

/** Throws ValidationException as AWS does, and KmsUnsupported for what this server has not. */
function readSpec(input: Input): KeySpec {
  const asked = input.has('KeySpec') ? 'KeySpec' : 'CustomerMasterKeySpec'
  const spec = input.choice(asked, [...KEY_SPEC_NAMES, ...SPECS_NOT_HERE]) ?? 'SYMMETRIC_DEFAULT'
  const usage = input.choice('KeyUsage', KEY_USAGES)
  const here = KEY_SPEC_NAMES.find((one) => one === spec)
  if (here === undefined)
    throw new Fault('KmsUnsupported', { message: `KeySpec ${spec} is not supported by this server.` })
  if (usage === undefined && here !== 'SYMMETRIC_DEFAULT') {
    throw validation('You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.')
  }
  if (usage !== undefined && usage !== KEY_SPECS[here].usage) {
    throw validation(`KeyUsage ${usage} is not compatible with KeySpec ${here}`)
  }
  return here
}

async function generate(
  kms: Kms,
  call: CallContext,
  input: Input,
  action: 'kms:GenerateDataKey' | 'kms:GenerateDataKeyWithoutPlaintext',
) {
  const spec = input.choice('KeySpec', ['AES_256', 'AES_128'] as const)
  const bytes = input.optionalNumber('NumberOfBytes', 1, 1024)
  if ((spec === undefined) === (bytes === undefined)) {
    throw validation('Please specify either number of bytes or key spec.')
  }
  const request = {
    keyId: input.keyId(),
    bytes: bytes ?? (spec === 'AES_256' ? 32 : 16),
    encryptionContext: input.context(),
    dryRun: input.flag('DryRun'),
  }
  const { plaintext, ciphertextBlob, keyArn, keyMaterialId } = await kms.generateKey(call, request, action)
  return { plaintext, reply: { CiphertextBlob: base64(ciphertextBlob), KeyId: keyArn, KeyMaterialId: keyMaterialId } }
}

function requireSymmetric(input: Input, name: string): void {
  const algorithm = input.optionalText(name, 64)
  if (algorithm !== undefined && algorithm !== 'SYMMETRIC_DEFAULT') {
    throw validation(`Algorithm ${algorithm} is incompatible with key spec SYMMETRIC_DEFAULT.`)
  }
}

function metadata(key: KmsKey): Record<string, unknown> {
  const spec = specOf(key)
  const { usage, algorithm } = KEY_SPECS[spec]
  return {
    AWSAccountId: key.accountId,
    KeyId: key.keyId,
    Arn: key.arn,
    CreationDate: seconds(key.createdAtMs),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: usage,
    KeyState: key.state,
    ...(key.deletionAtMs !== undefined && { DeletionDate: seconds(key.deletionAtMs) }),
    Origin: 'AWS_KMS',
    KeyManager: key.manager,
    CustomerMasterKeySpec: spec,
    KeySpec: spec,
    ...(usage === 'ENCRYPT_DECRYPT'
      ? { EncryptionAlgorithms: [algorithm], CurrentKeyMaterialId: materialId(key, key.material.length) }
      : { MacAlgorithms: [algorithm] }),
    MultiRegion: false,
  }
}
