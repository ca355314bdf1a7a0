/** Records of the KMS. */
import { eachIn, eachRecord } from '../records/each-record.ts'
import { name, ZERO } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'
import type { KeySpec, KeyUsage } from './key-specs.ts'

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingReplicaDeletion' | 'PendingImport'

export interface KmsTag {
  readonly TagKey: string
  readonly TagValue: string
}

/** When a key is rotated by itself. */
export interface RotationSchedule {
  readonly periodDays: number
  readonly nextAtMs: number
}

export type RotationType = 'AUTOMATIC' | 'ON_DEMAND'

export interface Rotation {
  readonly atMs: number
  readonly type: RotationType
}

/** One material that was imported, whether its bytes are here or not. */
export interface ImportedMaterial {
  /** Its KeyMaterialId, by which the same material is known again. */
  readonly id: string
  readonly description?: string
  /** When it expires; absent: never, or it is not here. */
  readonly validToMs?: number
}

/** Material that encrypts from the next rotation on. */
export interface PendingMaterial extends ImportedMaterial {
  /** Wrapped as the version that it is going to be. */
  readonly wrapped: string
}

export interface ImportedMaterials {
  /** Keys the ids, so that they tell nothing of the material; base64. */
  readonly salt: string
  /** By version, as `KmsKey.material`. */
  readonly versions: readonly ImportedMaterial[]
  readonly pending?: PendingMaterial
}

/** Keys of several regions that have their id, their material and its rotations in common; the same in all their records. */
export interface MultiRegionSet {
  readonly primaryRegion: string
  readonly replicaRegions: readonly string[]
}

export interface KmsKey {
  readonly accountId: string
  readonly keyId: string
  readonly arn: string
  readonly description: string
  readonly manager: 'AWS' | 'CUSTOMER'
  /** Absent: SYMMETRIC_DEFAULT. */
  readonly keySpec?: KeySpec
  /** Absent: the only one that keys of the spec can have. */
  readonly keyUsage?: KeyUsage
  readonly createdAtMs: number
  readonly state: KeyState
  readonly deletionAtMs?: number
  /** How long a primary key is going to wait once its last replica is gone. */
  readonly pendingWindowDays?: number
  readonly tags: readonly KmsTag[]
  /** The key policy as it was put; absent: the default one. */
  readonly policy?: string
  /** How many grants it has; absent: none. */
  readonly grants?: number
  /** Wrapped material by version, the first being version 1. Empty where imported material is not here. */
  readonly material: readonly string[]
  /** Set where it is of such a set, also as the only one. */
  readonly multiRegion?: MultiRegionSet
  /** Set where the material is imported, not made here. */
  readonly imported?: ImportedMaterials
  /** How each version but the first came to be; absent: there is none but the first. */
  readonly rotations?: readonly Rotation[]
  /** As it was set. Asked by `rotationSchedule`, since managed keys have one from the start. */
  readonly rotationSchedule?: RotationSchedule
}

export interface KmsAlias {
  readonly alias: string
  readonly keyId: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const kmsKeyRecord = defineRecord<KmsKey>({ label: 'KMS key', prefix: 'k', formatVersion: 1, cached: true })
export const kmsAliasRecord = defineRecord<KmsAlias>({
  label: 'KMS alias',
  prefix: 'l',
  formatVersion: 1,
  cached: true,
})

/** Account ids have one length, so names of two accounts never mix. */
export const keyName = (accountId: string, keyId: string) => name(accountId, ZERO, keyId)
export const aliasName = (accountId: string, alias: string) => name(accountId, ZERO, alias)

/** What stands for wrapped material that is not here. */
export const GONE = ''

const ALL_KEYS = { gte: name('0'), lt: name(':') }

/** Every key of a region. In other places of the same records names begin with no digit, as account ids do. */
export const eachKey = (records: RecordStore) => eachIn(records, kmsKeyRecord, ALL_KEYS)

/** As `eachKey`; a record that does not open is reported and passed over. */
export const eachSoundKey = (records: RecordStore, report: (problem: string) => void) =>
  eachRecord(records, kmsKeyRecord, ALL_KEYS, report)

export const newAlias = (alias: string, keyId: string, nowMs: number): KmsAlias => ({
  alias,
  keyId,
  createdAtMs: nowMs,
  updatedAtMs: nowMs,
})
