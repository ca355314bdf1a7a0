/**
 * The KMS: what can be done with keys. The KMS door and S3 call the same methods, so authorization, state and audit meet
 * both alike. Source: AWS KMS API reference; texts as AWS gives them.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { Observer, Trail } from '../core/outcome.ts'
import type { CacheCounts } from '../core/recent.ts'
import type { CallContext } from '../policy/call.ts'
import type { RequestQuota } from '../quota/leased-quota.ts'
import { defaultQuota, type QuotaName } from '../quota/quotas.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { RecordRewrap } from '../records/reseal.ts'
import type { StoreKey } from '../root-key/store-key.ts'
import type { EncryptionAlgorithm } from './algorithms.ts'
import { decryptBlob, readNames } from './ciphertext.ts'
import type { KeyUse } from './condition-keys.ts'
import { DoomedSecrets } from './doomed-secrets.ts'
import { KeyGrants } from './grants.ts'
import { KeyAccess } from './key-access.ts'
import { KeyAliases } from './key-aliases.ts'
import { KeyChanges } from './key-change.ts'
import { KeyDirectory } from './key-directory.ts'
import { KeyImport } from './key-import.ts'
import { KeyLimits, type ResourceQuotas } from './key-limits.ts'
import { type EncryptionContext, KeyMaterial, materialId } from './key-material.ts'
import { KeyPairs } from './key-pairs.ts'
import { quotaOfUse } from './key-quota.ts'
import { KeyRegions, relatedArn } from './key-regions.ts'
import type { KeyService } from './key-service.ts'
import { requireAlgorithm } from './key-specs.ts'
import { requireUsableFor, type UsableKey } from './key-state.ts'
import { KeyUpkeep } from './key-upkeep.ts'
import { KmsForS3 } from './kms-for-s3.ts'
import { type KmsKey, kmsKeyRecord } from './kms-records.ts'
import { LastUsage, type LastUsageOptions } from './last-usage.ts'
import { KeyMacs } from './macs.ts'
import type { MaterialSecrets } from './material-secrets.ts'
import { MultiRegionKeys } from './multi-region.ts'
import { oaepDecrypt, oaepEncrypt, requireKeyId, requireNoContext } from './oaep.ts'
import { KeySigning } from './signing.ts'
import { CallsViaS3, type CallsViaS3Options } from './via-s3.ts'

export interface KmsOptions {
  /** Those of the region. */
  readonly records: RecordStore
  readonly storeKey: StoreKey
  readonly secrets: MaterialSecrets
  readonly region: string
  /** Where else the server answers the KMS; undefined: nowhere. */
  readonly regions?: KeyRegions
  readonly clock: Clock
  /** Told of each use that S3 makes for a caller; direct calls are told by the door. */
  readonly observer: Observer
  /** Likewise, and waited for; undefined: nothing is kept on record. */
  readonly trail?: Trail
  /** What the KMS tells a client of an error, for both. */
  readonly told?: CallsViaS3Options['told']
  readonly quota: RequestQuota
  /** How many of what there may be; undefined: AWS's defaults. */
  readonly limits?: ResourceQuotas
  /** What all processes have noted of a key's uses; undefined: this is the only one. */
  readonly usageElsewhere?: LastUsageOptions['elsewhere']
}

export class Kms {
  readonly forS3: KeyService
  readonly keys: KeyDirectory
  readonly imports: KeyImport
  readonly multiRegion: MultiRegionKeys
  readonly upkeep: KeyUpkeep
  readonly lastUsage: LastUsage
  readonly aliases: KeyAliases
  readonly grants: KeyGrants
  readonly macs: KeyMacs
  readonly signing: KeySigning
  readonly pairs: KeyPairs
  /** How material is wrapped anew when the store key gets a new version. */
  readonly rewrap: RecordRewrap<KmsKey>
  readonly #access: KeyAccess
  readonly #region: string
  readonly #material: KeyMaterial
  readonly #quota: RequestQuota

  constructor({ records, storeKey, region, regions = new KeyRegions(records, region), ...options }: KmsOptions) {
    const { clock, observer, quota, secrets } = options
    this.#material = new KeyMaterial(storeKey, secrets)
    const doomed = new DoomedSecrets(records, secrets)
    this.rewrap = { kind: kmsKeyRecord, rewrapped: (key) => this.#material.rewrapped(key) }
    this.lastUsage = new LastUsage({ records, clock, elsewhere: options.usageElsewhere })
    this.#access = new KeyAccess(records, region, clock, this.lastUsage)
    const changes = new KeyChanges({ records, access: this.#access, regions, doomed, clock })
    const limits = new KeyLimits(
      options.limits ?? { value: async ({ region: one }, of) => defaultQuota(of, 'current', one) },
    )
    const common = { records, access: this.#access, changes, material: this.#material, limits, clock }
    this.keys = new KeyDirectory({ ...common, region })
    this.imports = new KeyImport({ ...common, storeKey })
    this.multiRegion = new MultiRegionKeys({ ...common, regions })
    this.upkeep = new KeyUpkeep({ ...common, regions, region, doomed })
    this.#region = region
    this.aliases = new KeyAliases({ ...common, region })
    this.grants = new KeyGrants(common)
    const usable: UsableKey = (call, keyId, use) => this.#usable(call, keyId, use)
    this.macs = new KeyMacs(usable, this.#material)
    this.signing = new KeySigning(usable, this.#material)
    this.pairs = new KeyPairs(usable, this.#material)
    const calls = new CallsViaS3({
      ...{ region, observer, clock, lastUsage: this.lastUsage },
      trail: options.trail,
      told: options.told,
    })
    this.forS3 = new KmsForS3(this, this.#access, this.#material, calls)
    this.#quota = quota
  }

  /** How often opened key material was at hand. */
  get cacheCounts(): CacheCounts {
    return this.#material.cacheCounts
  }

  /**
   * Counts a call against a quota of its caller's account, before anything is done for it. Throws KmsThrottled. Most calls
   * have nothing to wait for.
   */
  count(call: CallContext, quota: QuotaName): void | Promise<void> {
    const atMs = this.#quota.take({ region: call.region, accountId: call.principal.accountId }, quota)
    if (typeof atMs === 'number') call.counted?.(atMs, quota)
    else return atMs.then((countedAtMs) => call.counted?.(countedAtMs, quota))
  }

  /** Likewise, against the quota of a use of a key; some uses are counted elsewhere. */
  countUse(call: CallContext, key: KmsKey, use: KeyUse): void | Promise<void> {
    const quota = quotaOfUse(key, use)
    if (quota) return this.count(call, quota)
  }

  async encrypt(
    call: CallContext,
    input: {
      keyId: string
      plaintext: Uint8Array
      encryptionContext: EncryptionContext
      algorithm?: EncryptionAlgorithm
      dryRun?: boolean
    },
  ) {
    const { encryptionContext, algorithm = 'SYMMETRIC_DEFAULT' } = input
    const use = { action: 'kms:Encrypt', encryptionContext, encryptionAlgorithm: algorithm } as const
    const key = await this.#usable(call, input.keyId, use)
    const ciphertextBlob = this.#sealed(key, algorithm, input.plaintext, encryptionContext)
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    return { ciphertextBlob, keyArn: key.arn }
  }

  async decrypt(
    call: CallContext,
    input: {
      ciphertextBlob: Uint8Array
      encryptionContext: EncryptionContext
      keyId?: string | undefined
      algorithm?: EncryptionAlgorithm
      dryRun?: boolean
    },
    reEncrypt?: { readonly onSameKey: boolean },
  ) {
    const { ciphertextBlob, encryptionContext, algorithm = 'SYMMETRIC_DEFAULT' } = input
    const action = reEncrypt ? 'kms:ReEncryptFrom' : 'kms:Decrypt'
    const use = { action, encryptionContext, encryptionAlgorithm: algorithm, ...reEncrypt } as const
    if (algorithm !== 'SYMMETRIC_DEFAULT') {
      const key = await this.#usable(call, requireKeyId(input.keyId, algorithm), use)
      requireAlgorithm(key, algorithm)
      requireNoContext(encryptionContext, algorithm)
      const plaintext = oaepDecrypt(this.#material.pair(key), algorithm, ciphertextBlob)
      if (input.dryRun) throw new Fault('KmsDryRun', {})
      return { plaintext, keyArn: key.arn, keyMaterialId: undefined }
    }
    const names = readNames(ciphertextBlob)
    const key = await this.#keyOf(call, relatedArn(this.#region, names.keyArn), input.keyId, use)
    requireUsableFor(key, action)
    const material = this.#material.open(key, names.materialVersion)
    const plaintext = decryptBlob(material, names.headBytes, ciphertextBlob, encryptionContext)
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    return { plaintext, keyArn: key.arn, keyMaterialId: materialId(key, names.materialVersion) }
  }

  async generateKey(
    call: CallContext,
    input: { keyId: string; bytes: number; encryptionContext: EncryptionContext; dryRun?: boolean },
    action: 'kms:GenerateDataKey' | 'kms:GenerateDataKeyWithoutPlaintext' = 'kms:GenerateDataKey',
  ) {
    const { encryptionContext } = input
    const key = await this.#usable(call, input.keyId, { action, encryptionContext })
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    const plaintext = randomBytes(input.bytes)
    const ciphertextBlob = this.#material.encrypt(key, plaintext, encryptionContext)
    return { plaintext, ciphertextBlob, keyArn: key.arn, keyMaterialId: materialId(key, key.material.length) }
  }

  async reEncrypt(
    call: CallContext,
    input: {
      ciphertextBlob: Uint8Array
      sourceContext: EncryptionContext
      sourceKeyId?: string | undefined
      sourceAlgorithm?: EncryptionAlgorithm
      destinationKeyId: string
      destinationContext: EncryptionContext
      destinationAlgorithm?: EncryptionAlgorithm
      dryRun?: boolean
    },
  ) {
    const { ciphertextBlob, sourceContext, destinationContext } = input
    const { sourceAlgorithm = 'SYMMETRIC_DEFAULT', destinationAlgorithm = 'SYMMETRIC_DEFAULT' } = input
    const found = await this.#access.find(call, input.destinationKeyId, 'kms:ReEncryptTo')
    const destination = found.stored.value
    const sourceArn =
      sourceAlgorithm === 'SYMMETRIC_DEFAULT'
        ? relatedArn(this.#region, readNames(ciphertextBlob).keyArn)
        : (await this.#access.find(call, requireKeyId(input.sourceKeyId, sourceAlgorithm), 'kms:ReEncryptFrom')).stored
            .value.arn
    const onSameKey = sourceArn === destination.arn
    const use = {
      action: 'kms:ReEncryptTo',
      encryptionContext: destinationContext,
      encryptionAlgorithm: destinationAlgorithm,
      onSameKey,
    } as const
    await this.countUse(call, destination, use)
    await this.#access.require(call, found, use)
    requireUsableFor(destination, 'kms:ReEncryptTo')
    const source = await this.decrypt(
      call,
      { ciphertextBlob, encryptionContext: sourceContext, keyId: input.sourceKeyId, algorithm: sourceAlgorithm },
      { onSameKey },
    )
    let moved: Uint8Array
    try {
      moved = this.#sealed(destination, destinationAlgorithm, source.plaintext, destinationContext)
    } finally {
      source.plaintext.fill(0)
    }
    if (input.dryRun) throw new Fault('KmsDryRun', {})
    return {
      ciphertextBlob: moved,
      sourceKeyArn: source.keyArn,
      keyArn: destination.arn,
      sourceKeyMaterialId: source.keyMaterialId,
      destinationKeyMaterialId:
        destinationAlgorithm === 'SYMMETRIC_DEFAULT' ? materialId(destination, destination.material.length) : undefined,
    }
  }

  async generateRandom(call: CallContext, bytes: number): Promise<Uint8Array> {
    await this.count(call, 'symmetric')
    this.#access.requireOwn(call, { action: 'kms:GenerateRandom' })
    return randomBytes(bytes)
  }

  async #usable(call: CallContext, keyId: string, use: KeyUse): Promise<KmsKey> {
    const key = await this.#allowed(call, keyId, use)
    requireUsableFor(key, use.action)
    return key
  }

  async #allowed(call: CallContext, keyId: string, use: KeyUse): Promise<KmsKey> {
    const found = await this.#access.find(call, keyId, use.action)
    const key = found.stored.value
    await this.countUse(call, key, use)
    await this.#access.require(call, found, use)
    return key
  }

  /** Encrypts; throws as `requireAlgorithm`, `requireNoContext` and `oaepEncrypt`. */
  #sealed(key: KmsKey, algorithm: EncryptionAlgorithm, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
    requireAlgorithm(key, algorithm)
    if (algorithm === 'SYMMETRIC_DEFAULT') return this.#material.encrypt(key, plaintext, context)
    requireNoContext(context, algorithm)
    return oaepEncrypt(key, this.#material.pair(key), algorithm, plaintext)
  }

  /** The key of a ciphertext. One that the caller names is told to be absent; one that only the ciphertext names is not. */
  async #keyOf(call: CallContext, keyArn: string, named: string | undefined, use: KeyUse): Promise<KmsKey> {
    if (named === undefined) {
      return this.#allowed(call, keyArn, use).catch((error: unknown) => {
        throw isFault(error, 'KmsKeyNotFound') ? new Fault('KmsCiphertextInvalid', {}, { cause: error }) : error
      })
    }
    const key = await this.#allowed(call, named, use)
    if (key.arn !== keyArn) throw new Fault('KmsKeyIncorrect', {})
    return key
  }
}
