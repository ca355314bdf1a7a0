/** Brings material into keys of a test server as a customer would. */
import {
  type AlgorithmSpec,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  GetParametersForImportCommand,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  type KMSClient,
  type WrappingKeySpec,
} from '@aws-sdk/client-kms'
import { wrapMaterial } from '../../packages/server/src/keys/wrap-material.fixture.ts'

export interface Wrapping {
  readonly algorithm?: AlgorithmSpec
  readonly spec?: WrappingKeySpec
  /** By which it is wrapped in truth, where that is another. */
  readonly as?: AlgorithmSpec
}

/** A token, and material wrapped for it. */
export async function wrappedFor(kms: KMSClient, KeyId: string, material: Uint8Array, wrapping: Wrapping = {}) {
  const { algorithm = 'RSAES_OAEP_SHA_256', spec = 'RSA_2048' } = wrapping
  const parameters = await kms.send(
    new GetParametersForImportCommand({ KeyId, WrappingAlgorithm: algorithm, WrappingKeySpec: spec }),
  )
  return {
    ImportToken: parameters.ImportToken!,
    EncryptedKeyMaterial: wrapMaterial(parameters.PublicKey!, wrapping.as ?? algorithm, material),
  }
}

/** Imports it, for good unless `more` says otherwise. */
export async function importInto(
  kms: KMSClient,
  KeyId: string,
  material: Uint8Array,
  more: Partial<ImportKeyMaterialCommandInput> = {},
  wrapping: Wrapping = {},
) {
  const wrapped = await wrappedFor(kms, KeyId, material, wrapping)
  return kms.send(
    new ImportKeyMaterialCommand({ KeyId, ...wrapped, ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', ...more }),
  )
}

/** A key without material yet. */
export async function newExternalKey(kms: KMSClient, input: CreateKeyCommandInput = {}) {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL', ...input }))
  return { KeyId: KeyMetadata!.KeyId!, arn: KeyMetadata!.Arn!, KeyMetadata: KeyMetadata! }
}
