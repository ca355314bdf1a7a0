/** The KMS operations on imported key material, as rows. */
import { Fault } from '../core/fault.ts'
import { IMPORT_TYPES } from '../keys/imported-material.ts'
import { specOf } from '../keys/key-specs.ts'
import type { Kms } from '../keys/kms.ts'
import type { KmsKey } from '../keys/kms-records.ts'
import { WRAPPING_ALGORITHMS, WRAPPING_KEY_SPECS, type WrappingAlgorithm } from '../keys/wrapping-keys.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'

const ALGORITHMS = Object.keys(WRAPPING_ALGORITHMS) as WrappingAlgorithm[]
/** What AWS has given up, and what it has in China only. */
const OTHER_ALGORITHMS = ['RSAES_PKCS1_V1_5', 'SM2PKE'] as const
const OTHER_KEY_SPECS = ['SM2'] as const
const EXPIRATION_MODELS = ['KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE'] as const
const MAX_BLOB = 6144

export const IMPORT_OPERATIONS = {
  GetParametersForImport: {
    readOnly: true,
    async run(kms, call, input) {
      const keyId = input.keyId()
      const algorithm = supported(input, 'WrappingAlgorithm', ALGORITHMS, OTHER_ALGORITHMS)
      const spec = supported(input, 'WrappingKeySpec', WRAPPING_KEY_SPECS, OTHER_KEY_SPECS)
      const { keyArn, importToken, publicKey, validToMs } = await kms.imports.parameters(call, keyId, spec, algorithm)
      return {
        KeyId: keyArn,
        ImportToken: base64(importToken),
        PublicKey: base64(publicKey),
        ParametersValidTo: validToMs / 1000,
      }
    },
  },
  ImportKeyMaterial: {
    readOnly: false,
    async run(kms, call, input) {
      const { key, id } = await kms.imports.importMaterial(call, {
        keyId: input.keyId(),
        importToken: input.blob('ImportToken', MAX_BLOB),
        encryptedMaterial: input.blob('EncryptedKeyMaterial', MAX_BLOB),
        expirationModel: input.choice('ExpirationModel', EXPIRATION_MODELS) ?? 'KEY_MATERIAL_EXPIRES',
        validToMs: input.optionalTimestamp('ValidTo'),
        importType: input.choice('ImportType', IMPORT_TYPES),
        description: input.optionalMatching('KeyMaterialDescription', '[a-zA-Z0-9:/_\\s.-]+', 256),
        materialId: optionalMaterialId(input),
      })
      return reply(key, id)
    },
  },
  DeleteImportedKeyMaterial: {
    readOnly: false,
    async run(kms, call, input) {
      const { key, id } = await kms.imports.deleteMaterial(call, input.keyId(), optionalMaterialId(input))
      return reply(key, id)
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

/** Ids of material are told of symmetric encryption keys only. */
const reply = (key: KmsKey, id: string | undefined) => ({
  KeyId: key.arn,
  ...(specOf(key) === 'SYMMETRIC_DEFAULT' && { KeyMaterialId: id }),
})

const optionalMaterialId = (input: Input) => input.optionalMatching('KeyMaterialId', '[a-f0-9]+', 64)

/** One of `here`. Throws KmsUnsupported for one of `elsewhere`. */
function supported<T extends string>(input: Input, name: string, here: readonly T[], elsewhere: readonly string[]): T {
  input.required(name)
  const given = input.choice(name, [...here, ...elsewhere])
  const found = here.find((one) => one === given)
  if (found === undefined) throw new Fault('KmsUnsupported', { message: `${name} ${given} is not supported.` })
  return found
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
