/** The KMS operations with key pairs that neither encrypt nor sign, as rows. */
import { Fault } from '../core/fault.ts'
import { DATA_KEY_PAIR_SPECS, type DataKeyPairSpec } from '../keys/key-specs.ts'
import type { Kms } from '../keys/kms.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { takingTokens } from './grant-operations.ts'
import { keyKind } from './key-algorithms.ts'
import { refuseRecipient } from './not-here.ts'

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
/** AWS's others, which are refused by name. */
const PAIR_SPECS_NOT_HERE = ['SM2', 'ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024'] as const
const MAX_PUBLIC_KEY = 8192

export const KEY_PAIR_OPERATIONS = {
  GetPublicKey: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      const { key, publicKey } = await kms.pairs.publicKey(call, input.keyId())
      return { KeyId: key.arn, PublicKey: base64(publicKey), ...keyKind(key) }
    }),
  },
  GenerateDataKeyPair: {
    readOnly: true,
    run: takingTokens((kms, call, input) => generate(kms, call, input, 'kms:GenerateDataKeyPair')),
  },
  GenerateDataKeyPairWithoutPlaintext: {
    readOnly: true,
    run: takingTokens((kms, call, input) => generate(kms, call, input, 'kms:GenerateDataKeyPairWithoutPlaintext')),
  },
  DeriveSharedSecret: {
    readOnly: true,
    run: takingTokens(async (kms, call, input) => {
      refuseRecipient(input)
      input.required('KeyAgreementAlgorithm')
      const algorithm = input.choice('KeyAgreementAlgorithm', ['ECDH'] as const)!
      const { sharedSecret, keyArn, keyOrigin } = await kms.pairs.deriveSharedSecret(call, {
        keyId: input.keyId(),
        algorithm,
        publicKey: input.blob('PublicKey', MAX_PUBLIC_KEY),
        dryRun: input.flag('DryRun'),
      })
      const SharedSecret = base64(sharedSecret)
      sharedSecret.fill(0)
      return { KeyId: keyArn, SharedSecret, KeyAgreementAlgorithm: algorithm, KeyOrigin: keyOrigin }
    }),
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

async function generate(
  kms: Kms,
  call: CallContext,
  input: Input,
  action: 'kms:GenerateDataKeyPair' | 'kms:GenerateDataKeyPairWithoutPlaintext',
) {
  refuseRecipient(input)
  const keyPairSpec = readPairSpec(input)
  const request = {
    keyId: input.keyId(),
    keyPairSpec,
    encryptionContext: input.context(),
    dryRun: input.flag('DryRun'),
  }
  const pair = await kms.pairs.generateDataKeyPair(call, request, action)
  const plaintext = action === 'kms:GenerateDataKeyPair' && { PrivateKeyPlaintext: base64(pair.privateKey) }
  pair.privateKey.fill(0)
  return {
    PrivateKeyCiphertextBlob: base64(pair.privateKeyCiphertext),
    ...plaintext,
    PublicKey: base64(pair.publicKey),
    KeyId: pair.keyArn,
    KeyPairSpec: keyPairSpec,
    KeyMaterialId: pair.keyMaterialId,
  }
}

/** Throws KmsUnsupported for what AWS has and this server has not. */
function readPairSpec(input: Input): DataKeyPairSpec {
  input.required('KeyPairSpec')
  const asked = input.choice('KeyPairSpec', [...DATA_KEY_PAIR_SPECS, ...PAIR_SPECS_NOT_HERE])
  const spec = DATA_KEY_PAIR_SPECS.find((one) => one === asked)
  if (spec) return spec
  throw new Fault('KmsUnsupported', { message: `KeyPairSpec ${asked} is not supported by this server.` })
}
