/** The KMS operations, one row each: AWS's name, whether it reads only, and what it does. Source: AWS KMS API reference. */
import { randomBytes } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { materialId } from '../keys/key-material.ts'
import type { Kms } from '../keys/kms.ts'
import type { KmsKey } from '../keys/kms-records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { validation } from './errors.ts'

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const seconds = (ms: number) => ms / 1000
const MAX_PLAINTEXT = 4096
const MAX_CIPHERTEXT = 6144
const SYMMETRIC = { EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }

export const KMS_OPERATIONS: Readonly<Record<string, ServiceOperation<Kms>>> = {
  CreateKey: {
    readOnly: false,
    async run(kms, call, input) {
      const spec =
        input.optionalText('KeySpec', 64) ?? input.optionalText('CustomerMasterKeySpec', 64) ?? 'SYMMETRIC_DEFAULT'
      const usage = input.optionalText('KeyUsage', 64)
      const origin = input.optionalText('Origin', 64) ?? 'AWS_KMS'
      if (spec !== 'SYMMETRIC_DEFAULT' || (usage ?? 'ENCRYPT_DECRYPT') !== 'ENCRYPT_DECRYPT') {
        throw new Fault('KmsUnsupported', {
          message: `KeySpec ${spec} with KeyUsage ${usage} is not supported by this server.`,
        })
      }
      if (origin !== 'AWS_KMS' || input.flag('MultiRegion') || input.has('Policy')) {
        throw new Fault('KmsUnsupported', {
          message: 'Origin, MultiRegion and Policy are not supported by this server.',
        })
      }
      const key = await kms.keys.createKey(call, {
        description: input.optionalText('Description', 8192) ?? '',
        tags: input.tags(),
      })
      return { KeyMetadata: metadata(key) }
    },
  },
  DescribeKey: {
    readOnly: true,
    run: async (kms, call, input) => ({ KeyMetadata: metadata(await kms.keys.describeKey(call, input.keyId())) }),
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
  ListResourceTags: {
    readOnly: true,
    run: async (kms, call, input) => ({
      Tags: (await kms.keys.describeKey(call, input.keyId())).tags,
      Truncated: false,
    }),
  },
  GetKeyRotationStatus: {
    readOnly: true,
    async run(kms, call, input) {
      const key = await kms.keys.describeKey(call, input.keyId())
      return { KeyId: key.arn, KeyRotationEnabled: false }
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
      kms.keys.createAlias(call, input.text('AliasName', 256), input.keyId('TargetKeyId')).then(() => ({})),
  },
  UpdateAlias: {
    readOnly: false,
    run: (kms, call, input) =>
      kms.keys.updateAlias(call, input.text('AliasName', 256), input.keyId('TargetKeyId')).then(() => ({})),
  },
  DeleteAlias: {
    readOnly: false,
    run: (kms, call, input) => kms.keys.deleteAlias(call, input.text('AliasName', 256)).then(() => ({})),
  },
  ListAliases: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? 50
      const found = await kms.keys.listAliases(call, readMarker(input), limit + 1, input.optionalText('KeyId', 2048, 1))
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
    async run(kms, call, input) {
      requireSymmetric(input, 'EncryptionAlgorithm')
      const { ciphertextBlob, keyArn } = await kms.encrypt(call, {
        keyId: input.keyId(),
        plaintext: input.blob('Plaintext', MAX_PLAINTEXT),
        encryptionContext: input.context(),
        dryRun: input.flag('DryRun'),
      })
      return { CiphertextBlob: base64(ciphertextBlob), KeyId: keyArn, ...SYMMETRIC }
    },
  },
  Decrypt: {
    readOnly: true,
    async run(kms, call, input) {
      requireSymmetric(input, 'EncryptionAlgorithm')
      const { plaintext, keyArn, keyMaterialId } = await kms.decrypt(call, {
        ciphertextBlob: input.blob('CiphertextBlob', MAX_CIPHERTEXT),
        encryptionContext: input.context(),
        keyId: input.optionalText('KeyId', 2048, 1),
        dryRun: input.flag('DryRun'),
      })
      return { Plaintext: base64(plaintext), KeyId: keyArn, KeyMaterialId: keyMaterialId, ...SYMMETRIC }
    },
  },
  ReEncrypt: {
    readOnly: true,
    async run(kms, call, input) {
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
    },
  },
  GenerateDataKey: { readOnly: true, run: (kms, call, input) => generate(kms, call, input, true) },
  GenerateDataKeyWithoutPlaintext: { readOnly: true, run: (kms, call, input) => generate(kms, call, input, false) },
  GenerateRandom: {
    readOnly: true,
    async run(_kms, _call, input) {
      const bytes = input.optionalNumber('NumberOfBytes', 1, 1024)
      if (bytes === undefined) throw validation('NumberOfBytes is required.')
      return { Plaintext: base64(randomBytes(bytes)) }
    },
  },
  ...Object.fromEntries(
    (
      'ConnectCustomKeyStore CreateCustomKeyStore CreateGrant DeleteCustomKeyStore DeleteImportedKeyMaterial DeriveSharedSecret ' +
      'DescribeCustomKeyStores DisableKeyRotation DisconnectCustomKeyStore EnableKeyRotation GenerateDataKeyPair ' +
      'GenerateDataKeyPairWithoutPlaintext GenerateMac GetKeyLastUsage GetKeyPolicy GetParametersForImport GetPublicKey ' +
      'ImportKeyMaterial ListGrants ListKeyPolicies ListKeyRotations ListRetirableGrants PutKeyPolicy ReplicateKey RetireGrant ' +
      'RevokeGrant RotateKeyOnDemand Sign TagResource UntagResource UpdateCustomKeyStore UpdatePrimaryRegion Verify VerifyMac'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|List|Describe|Generate|Verify|Derive)/.test(name) }]),
  ),
}

async function generate(kms: Kms, call: CallContext, input: Input, withPlaintext: boolean) {
  const spec = input.choice('KeySpec', ['AES_256', 'AES_128'] as const)
  const bytes = input.optionalNumber('NumberOfBytes', 1, 1024)
  if ((spec === undefined) === (bytes === undefined)) {
    throw validation('Please specify either number of bytes or key spec.')
  }
  const made = await kms.generateKey(call, {
    keyId: input.keyId(),
    bytes: bytes ?? (spec === 'AES_256' ? 32 : 16),
    encryptionContext: input.context(),
    dryRun: input.flag('DryRun'),
  })
  return {
    CiphertextBlob: base64(made.ciphertextBlob),
    ...(withPlaintext && { Plaintext: base64(made.plaintext) }),
    KeyId: made.keyArn,
    KeyMaterialId: made.keyMaterialId,
  }
}

function requireSymmetric(input: Input, name: string): void {
  const algorithm = input.optionalText(name, 64)
  if (algorithm !== undefined && algorithm !== 'SYMMETRIC_DEFAULT') {
    throw validation(`Algorithm ${algorithm} is incompatible with key spec SYMMETRIC_DEFAULT.`)
  }
}

function metadata(key: KmsKey): Record<string, unknown> {
  return {
    AWSAccountId: key.accountId,
    KeyId: key.keyId,
    Arn: key.arn,
    CreationDate: seconds(key.createdAtMs),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyState: key.state,
    ...(key.deletionAtMs !== undefined && { DeletionDate: seconds(key.deletionAtMs) }),
    Origin: 'AWS_KMS',
    KeyManager: key.manager,
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    MultiRegion: false,
    CurrentKeyMaterialId: materialId(key, key.material.length),
  }
}

function readMarker(input: Input): string | undefined {
  const marker = input.optionalText('Marker', 1024, 1)
  if (marker === undefined) return undefined
  if (!/^1[A-Za-z0-9_-]+$/.test(marker)) throw new Fault('KmsMarkerInvalid', {})
  return Buffer.from(marker.slice(1), 'base64url').toString()
}

function truncation(truncated: boolean, last: string | undefined): Record<string, unknown> {
  if (!truncated || last === undefined) return { Truncated: false }
  return { Truncated: true, NextMarker: `1${Buffer.from(last).toString('base64url')}` }
}
