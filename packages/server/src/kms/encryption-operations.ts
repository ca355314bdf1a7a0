/** The KMS operations that encrypt, decrypt and make data keys, as rows. */
import { Fault } from '../core/fault.ts'
import { ENCRYPTION_ALGORITHMS, type EncryptionAlgorithm } from '../keys/algorithms.ts'
import type { Kms } from '../keys/kms.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { validation } from './errors.ts'
import { takingTokens } from './grant-operations.ts'
import { refuseMembers, refuseRecipient } from './not-here.ts'

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const MAX_PLAINTEXT = 4096
const MAX_CIPHERTEXT = 6144
const ALGORITHMS = Object.keys(ENCRYPTION_ALGORITHMS) as EncryptionAlgorithm[]
/** AWS's for SM2 keys, in China. */
const ALGORITHMS_NOT_HERE = ['SM2PKE'] as const

export const ENCRYPTION_OPERATIONS = {
  Encrypt: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const algorithm = readAlgorithm(input, 'EncryptionAlgorithm')
      const { ciphertextBlob, keyArn } = await kms.encrypt(call, {
        keyId: input.keyId(),
        plaintext: input.blob('Plaintext', MAX_PLAINTEXT),
        encryptionContext: input.context(),
        algorithm,
        dryRun: input.flag('DryRun'),
      })
      return { CiphertextBlob: base64(ciphertextBlob), KeyId: keyArn, EncryptionAlgorithm: algorithm }
    }),
  },
  Decrypt: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      refuseRecipient(input)
      refuseMembers(input, 'DryRunModifiers')
      const algorithm = readAlgorithm(input, 'EncryptionAlgorithm')
      const { plaintext, keyArn, keyMaterialId } = await kms.decrypt(call, {
        ciphertextBlob: input.blob('CiphertextBlob', MAX_CIPHERTEXT),
        encryptionContext: input.context(),
        keyId: input.optionalText('KeyId', 2048, 1),
        algorithm,
        dryRun: input.flag('DryRun'),
      })
      return {
        Plaintext: base64(plaintext),
        KeyId: keyArn,
        KeyMaterialId: keyMaterialId,
        EncryptionAlgorithm: algorithm,
      }
    }),
  },
  ReEncrypt: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      refuseMembers(input, 'DryRunModifiers')
      const sourceAlgorithm = readAlgorithm(input, 'SourceEncryptionAlgorithm')
      const destinationAlgorithm = readAlgorithm(input, 'DestinationEncryptionAlgorithm')
      const done = await kms.reEncrypt(call, {
        ciphertextBlob: input.blob('CiphertextBlob', MAX_CIPHERTEXT),
        sourceContext: input.context('SourceEncryptionContext'),
        sourceKeyId: input.optionalText('SourceKeyId', 2048, 1),
        sourceAlgorithm,
        destinationKeyId: input.keyId('DestinationKeyId'),
        destinationContext: input.context('DestinationEncryptionContext'),
        destinationAlgorithm,
        dryRun: input.flag('DryRun'),
      })
      return {
        CiphertextBlob: base64(done.ciphertextBlob),
        SourceKeyId: done.sourceKeyArn,
        KeyId: done.keyArn,
        SourceKeyMaterialId: done.sourceKeyMaterialId,
        DestinationKeyMaterialId: done.destinationKeyMaterialId,
        SourceEncryptionAlgorithm: sourceAlgorithm,
        DestinationEncryptionAlgorithm: destinationAlgorithm,
      }
    }),
  },
  GenerateDataKey: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      refuseRecipient(input)
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
      refuseRecipient(input)
      refuseMembers(input, 'CustomKeyStoreId')
      const bytes = input.optionalNumber('NumberOfBytes', 1, 1024)
      if (bytes === undefined) throw validation('NumberOfBytes is required.')
      return { Plaintext: base64(await kms.generateRandom(call, bytes)) }
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

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

/** Throws KmsUnsupported for what AWS has and this server has not. */
function readAlgorithm(input: Input, name: string): EncryptionAlgorithm {
  const algorithm = input.choice(name, [...ALGORITHMS, ...ALGORITHMS_NOT_HERE]) ?? 'SYMMETRIC_DEFAULT'
  if (algorithm !== 'SM2PKE') return algorithm
  throw new Fault('KmsUnsupported', { message: `${name} ${algorithm} is not supported by this server.` })
}
