/** The KMS as S3 uses it for its callers: each call is allowed, counted and on record as a direct one of theirs would be. */
import { DataKey } from '@strongroom/crypto'
import { generateDataKey } from '@strongroom/crypto/node'
import { isFault } from '../core/fault.ts'
import type { DecisionFacts } from '../core/outcome.ts'
import type { CallContext } from '../policy/call.ts'
import type { FoundKey, KeyAccess } from './key-access.ts'
import { S3_ALIAS } from './key-directory.ts'
import type { KeyMaterial } from './key-material.ts'
import type {
  DataKeyRequest,
  GeneratedDataKey,
  IntendedUse,
  KeyService,
  UnwrapRequest,
  WrapRequest,
} from './key-service.ts'
import { requireUsableFor } from './key-state.ts'
import type { Kms } from './kms.ts'
import type { CallsViaS3 } from './via-s3.ts'

export class KmsForS3 implements KeyService {
  readonly #kms: Kms
  readonly #access: KeyAccess
  readonly #material: KeyMaterial
  readonly #calls: CallsViaS3

  constructor(kms: Kms, access: KeyAccess, material: KeyMaterial, calls: CallsViaS3) {
    this.#kms = kms
    this.#access = access
    this.#material = material
    this.#calls = calls
  }

  generateDataKey(call: CallContext, request: DataKeyRequest): Promise<GeneratedDataKey> {
    const { keyId, encryptionContext } = request
    return this.#calls.make(call, { operation: 'GenerateDataKey', keyId, encryptionContext }, async (viaS3, tell) => {
      const action = 'kms:GenerateDataKey'
      const found: FoundKey =
        keyId === undefined
          ? { stored: await this.#kms.keys.managedS3Key(call), requestAlias: undefined }
          : await this.#access.find(viaS3, keyId, action)
      const key = found.stored.value
      tell(key.arn)
      const use = { action, encryptionContext } as const
      await this.#kms.countUse(viaS3, key, use)
      await this.#access.require(viaS3, found, use)
      requireUsableFor(key, action)
      const dataKey = generateDataKey()
      return { dataKey, wrapped: this.#material.encrypt(key, dataKey.bytes(), encryptionContext), keyArn: key.arn }
    })
  }

  unwrapDataKey(call: CallContext, request: UnwrapRequest): Promise<DataKey> {
    const { keyArn: keyId, encryptionContext } = request
    return this.#calls.make(call, { operation: 'Decrypt', keyId, encryptionContext }, async (viaS3, tell) => {
      tell(request.keyArn)
      const { plaintext } = await this.#kms.decrypt(viaS3, {
        ciphertextBlob: request.wrapped,
        encryptionContext: request.encryptionContext,
        keyId: request.keyArn,
      })
      return new DataKey(plaintext)
    })
  }

  wrapDataKey(call: CallContext, { keyId, encryptionContext, dataKey }: WrapRequest) {
    return this.#calls.make(call, { operation: 'Encrypt', keyId, encryptionContext }, async (viaS3, tell) => {
      tell(keyId)
      const plaintext = dataKey.bytes()
      const { ciphertextBlob, keyArn } = await this.#kms.encrypt(viaS3, { keyId, plaintext, encryptionContext })
      tell(keyArn)
      return { wrapped: ciphertextBlob, keyArn }
    })
  }

  async allowedKey(call: CallContext, { keyId, action, encryptionContext }: IntendedUse): Promise<string | undefined> {
    const decisions: DecisionFacts[] = []
    const viaS3: CallContext = { ...call, via: 's3', decided: (decision) => decisions.push(decision) }
    try {
      const key = await this.#access.allowed(viaS3, keyId ?? S3_ALIAS, { action, encryptionContext })
      requireUsableFor(key, action)
      for (const decision of decisions) call.decided(decision)
      return key.arn
    } catch (error) {
      // Whoever asks goes to the KMS then, which says why, and whose answer is on record.
      if (isFault(error)) return undefined
      throw error
    }
  }
}
