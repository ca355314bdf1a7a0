/** Imports material into keys that were made for it, and takes it out again (API reference, ImportKeyMaterial). */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { StoreKey } from '../root-key/store-key.ts'
import { identityOf } from './fitting-material.ts'
import { ImportTokens } from './import-token.ts'
import {
  type ExpirationModel,
  type ImportType,
  importedId,
  requireOrigin,
  withArrival,
  withoutMaterial,
} from './imported-material.ts'
import type { KeyAccess } from './key-access.ts'
import type { KeyChanges } from './key-change.ts'
import { type KeyMaterial, materialId } from './key-material.ts'
import { requireRotatable } from './key-rotation.ts'
import { requireLasting } from './key-state.ts'
import type { KmsKey } from './kms-records.ts'
import { makeWrappingKey, unwrapMaterial, type WrappingAlgorithm, type WrappingKeySpec } from './wrapping-keys.ts'

export interface ImportParameters {
  readonly keyArn: string
  readonly publicKey: Uint8Array
  readonly importToken: Uint8Array
  readonly validToMs: number
}

export interface MaterialImport {
  readonly keyId: string
  readonly importToken: Uint8Array
  readonly encryptedMaterial: Uint8Array
  readonly expirationModel: ExpirationModel
  readonly validToMs: number | undefined
  readonly importType: ImportType | undefined
  readonly description: string | undefined
  /** The id that the material must have. */
  readonly materialId: string | undefined
}

export interface KeyImportOptions {
  readonly access: KeyAccess
  readonly changes: KeyChanges
  readonly material: KeyMaterial
  readonly storeKey: StoreKey
  readonly clock: Clock
}

export class KeyImport {
  readonly #access: KeyAccess
  readonly #changes: KeyChanges
  readonly #material: KeyMaterial
  readonly #tokens: ImportTokens
  readonly #clock: Clock

  constructor({ access, changes, material, storeKey, clock }: KeyImportOptions) {
    this.#access = access
    this.#changes = changes
    this.#material = material
    this.#tokens = new ImportTokens(storeKey.derive('import tokens'))
    this.#clock = clock
  }

  async parameters(
    call: CallContext,
    keyId: string,
    wrappingKeySpec: WrappingKeySpec,
    wrappingAlgorithm: WrappingAlgorithm,
  ): Promise<ImportParameters> {
    const use = { action: 'kms:GetParametersForImport', wrappingKeySpec, wrappingAlgorithm } as const
    const key = await this.#access.allowed(call, keyId, use)
    requireImporting(key)
    const { publicKey, privateKey } = await makeWrappingKey(wrappingKeySpec)
    const validToMs = this.#clock.nowMs() + VALID_MS
    const importToken = this.#tokens.seal({ keyArn: key.arn, algorithm: wrappingAlgorithm, privateKey, validToMs })
    privateKey.fill(0)
    return { keyArn: key.arn, publicKey, importToken, validToMs }
  }

  /**
   * Resolves to the key and the id of the material. Throws KmsImportTokenInvalid, KmsImportTokenExpired,
   * KmsCiphertextInvalid, KmsMaterialIncorrect and KmsMaterialStateInvalid.
   */
  async importMaterial(call: CallContext, input: MaterialImport): Promise<{ key: KmsKey; id: string }> {
    const { expirationModel, validToMs, importType: type, description } = input
    let id = ''
    const use = { action: 'kms:ImportKeyMaterial', expirationModel, validToMs } as const
    const key = await this.#changes.change(call, input.keyId, use, async (current) => {
      requireImporting(current)
      this.#requireValid(input)
      if (type !== undefined || description !== undefined || input.materialId !== undefined) requireRotatable(current)
      const material = this.#unwrapped(current, input)
      try {
        id = importedId(current.imported!.salt, identityOf(current, material))
        requireSame(id, input.materialId)
        // Only for what is good: a secret is a file.
        const secret = await this.#material.freshSecret()
        const wrap = (version: number) => this.#material.wrap(current, version, material, secret)
        return withArrival(current, { id, type, validToMs, description, wrap })
      } finally {
        material.fill(0)
      }
    })
    return { key, id }
  }

  /** Without an id: the current material. Resolves to the key and the id; undefined where the key has never had any. */
  async deleteMaterial(
    call: CallContext,
    keyId: string,
    id: string | undefined,
  ): Promise<{ key: KmsKey; id: string | undefined }> {
    let deleted: string | undefined
    const key = await this.#changes.change(call, keyId, { action: 'kms:DeleteImportedKeyMaterial' }, (current) => {
      requireOrigin(current, 'EXTERNAL')
      deleted = id ?? (current.material.length > 0 ? materialId(current, current.material.length) : undefined)
      return deleted === undefined ? current : withoutMaterial(current, deleted)
    })
    return { key, id: deleted }
  }

  /** To be wiped. */
  #unwrapped(key: KmsKey, { importToken, encryptedMaterial }: MaterialImport): Uint8Array {
    const { privateKey, algorithm } = this.#tokens.open(importToken, key.arn, this.#clock.nowMs())
    try {
      return unwrapMaterial(privateKey, algorithm, encryptedMaterial)
    } finally {
      privateKey.fill(0)
    }
  }

  /** Throws KmsValidation. */
  #requireValid({ expirationModel, validToMs, importType, materialId: wanted }: MaterialImport): void {
    const nowMs = this.#clock.nowMs()
    if (expirationModel === 'KEY_MATERIAL_EXPIRES') {
      if (validToMs === undefined) {
        throw invalid('A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES')
      }
      if (validToMs <= nowMs) throw invalid('The validTo date must be in the future.')
      if (validToMs > nowMs + MOST_VALID_MS) throw invalid('The validTo date must be within 365 days.')
    } else if (validToMs !== undefined) {
      throw invalid('A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE')
    }
    if (importType === 'NEW_KEY_MATERIAL' && wanted !== undefined) {
      throw invalid('A KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL')
    }
  }
}

function requireImporting(key: KmsKey): void {
  requireOrigin(key, 'EXTERNAL')
  requireLasting(key)
}

function requireSame(id: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted === id) return
  throw new Fault('KmsMaterialIncorrect', { message: `The key material (id: ${id}) is not that of id ${wanted}.` })
}

const invalid = (message: string) => new Fault('KmsValidation', { message })
const DAY_MS = 86_400_000
/** Of a token and its wrapping key (API reference, GetParametersForImport). */
const VALID_MS = DAY_MS
const MOST_VALID_MS = 365 * DAY_MS
