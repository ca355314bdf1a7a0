/**
 * The KMS: what can be done with keys. The KMS door and S3 call the same methods, so state, ownership and audit meet both
 * alike. Source: AWS KMS API reference; texts as AWS gives them.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { DataKey } from '@strongroom/crypto'
import { generateDataKey } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { Observer } from '../core/outcome.ts'
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import { decryptBlob, readNames } from './ciphertext.ts'
import { KeyDirectory } from './key-directory.ts'
import { type EncryptionContext, KeyMaterial, materialId } from './key-material.ts'
import type { DataKeyRequest, GeneratedDataKey, KeyService, UnwrapRequest } from './key-service.ts'
import type { RootKey } from './root-key.ts'

export interface KmsOptions {
  readonly records: RecordStore
  readonly rootKey: RootKey
  readonly region: string
  readonly clock: Clock
  /** Told of each use that S3 makes for a caller; direct calls are told by the door. */
  readonly observer: Observer
}

export class Kms implements KeyService {
  readonly keys: KeyDirectory
  readonly #material: KeyMaterial
  readonly #clock: Clock
  readonly #observer: Observer

  constructor({ records, rootKey, region, clock, observer }: KmsOptions) {
    this.#material = new KeyMaterial(rootKey)
    this.keys = new KeyDirectory(records, this.#material, region, clock)
    this.#clock = clock
    this.#observer = observer
  }

  // ---- For S3 -------------------------------------------------------------------------------------------------------

  generateDataKey(call: CallContext, request: DataKeyRequest): Promise<GeneratedDataKey> {
    const viaS3 = { ...call, via: 's3' as const }
    return this.#observed(viaS3, 'GenerateDataKey', request.encryptionContext, async (tell) => {
      const key =
        request.keyId === undefined ? await this.keys.managedS3Key(call) : await this.keys.find(viaS3, request.keyId)
      tell(key.arn)
      this.keys.requireUsable(viaS3, key, 'kms:GenerateDataKey')
      const dataKey = generateDataKey()
      return {
        dataKey,
        wrapped: this.#material.encrypt(key, dataKey.bytes(), request.encryptionContext),
        keyArn: key.arn,
      }
    })
  }

  unwrapDataKey(call: CallContext, request: UnwrapRequest): Promise<DataKey> {
    const viaS3 = { ...call, via: 's3' as const }
    return this.#observed(viaS3, 'Decrypt', request.encryptionContext, async (tell) => {
      tell(request.keyArn)
      const { plaintext } = await this.decrypt(viaS3, {
        ciphertextBlob: request.wrapped,
        encryptionContext: request.encryptionContext,
        keyId: request.keyArn,
      })
      return new DataKey(plaintext)
    })
  }

  // ---- Cryptographic operations -------------------------------------------------------------------------------------

  async encrypt(
    call: CallContext,
    input: { keyId: string; plaintext: Uint8Array; encryptionContext: EncryptionContext; dryRun?: boolean },
  ) {
    const key = await this.keys.usable(call, input.keyId, 'kms:Encrypt')
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    return { ciphertextBlob: this.#material.encrypt(key, input.plaintext, input.encryptionContext), keyArn: key.arn }
  }

  async decrypt(
    call: CallContext,
    input: {
      ciphertextBlob: Uint8Array
      encryptionContext: EncryptionContext
      keyId?: string | undefined
      dryRun?: boolean
    },
    action = 'kms:Decrypt',
  ) {
    const names = readNames(input.ciphertextBlob)
    // A key that the caller names is told to be absent; one that only the ciphertext names is not.
    const named = input.keyId === undefined ? undefined : await this.keys.find(call, input.keyId)
    const key = await this.keys.find(call, names.keyArn).catch((error: unknown) => {
      throw isFault(error, 'KmsKeyNotFound') ? new Fault('KmsCiphertextInvalid', {}, { cause: error }) : error
    })
    if (named && named.arn !== key.arn) throw new Fault('KmsKeyIncorrect', {})
    this.keys.requireUsable(call, key, action)
    const material = this.#material.open(key, names.materialVersion)
    const plaintext = decryptBlob(material, names.headBytes, input.ciphertextBlob, input.encryptionContext)
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    return { plaintext, keyArn: key.arn, keyMaterialId: materialId(key, names.materialVersion) }
  }

  async generateKey(
    call: CallContext,
    input: { keyId: string; bytes: number; encryptionContext: EncryptionContext; dryRun?: boolean },
  ) {
    const key = await this.keys.usable(call, input.keyId, 'kms:GenerateDataKey')
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    const plaintext = randomBytes(input.bytes)
    const ciphertextBlob = this.#material.encrypt(key, plaintext, input.encryptionContext)
    return { plaintext, ciphertextBlob, keyArn: key.arn, keyMaterialId: materialId(key, key.material.length) }
  }

  async reEncrypt(
    call: CallContext,
    input: {
      ciphertextBlob: Uint8Array
      sourceContext: EncryptionContext
      sourceKeyId?: string | undefined
      destinationKeyId: string
      destinationContext: EncryptionContext
      dryRun?: boolean
    },
  ) {
    const destination = await this.keys.usable(call, input.destinationKeyId, 'kms:ReEncryptTo')
    const source = await this.decrypt(
      call,
      { ciphertextBlob: input.ciphertextBlob, encryptionContext: input.sourceContext, keyId: input.sourceKeyId },
      'kms:ReEncryptFrom',
    )
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    const ciphertextBlob = this.#material.encrypt(destination, source.plaintext, input.destinationContext)
    source.plaintext.fill(0)
    return {
      ciphertextBlob,
      sourceKeyArn: source.keyArn,
      keyArn: destination.arn,
      sourceKeyMaterialId: source.keyMaterialId,
      destinationKeyMaterialId: materialId(destination, destination.material.length),
    }
  }

  async #observed<T>(
    call: CallContext,
    operation: string,
    encryptionContext: EncryptionContext,
    run: (tell: (keyArn: string) => void) => Promise<T>,
  ): Promise<T> {
    const startedAtMs = this.#clock.nowMs()
    let usedArn: string | undefined
    let errorCode: string | undefined
    try {
      return await run((arn) => {
        usedArn = arn
      })
    } catch (error) {
      errorCode = isFault(error) ? error.code : 'InternalError'
      throw error
    } finally {
      this.#observer.observe({
        service: 'kms',
        operation,
        requestId: randomUUID(),
        viaRequestId: call.requestId,
        startedAtMs,
        durationMs: this.#clock.nowMs() - startedAtMs,
        status: errorCode === undefined ? 200 : 400,
        errorCode,
        caller: call.principal,
        sourceIp: call.sourceIp,
        userAgent: call.userAgent,
        tls: undefined,
        bytesIn: 0,
        bytesOut: 0,
        readOnly: true,
        kmsKeyArn: usedArn,
        encryptionContext,
      })
    }
  }
}
