/**
 * Keys whose material is imported, not made here (developer guide, "Importing key material"): what becomes of such a key
 * when material comes, is activated, is deleted or expires. Bytes that go are gone from the key's record; what stays is an
 * id, so that only the same material can come back.
 */
import { createHmac } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { isPrimary, requirePrimary } from './key-regions.ts'
import { specOf } from './key-specs.ts'
import { isLeaving } from './key-state.ts'
import { GONE, type ImportedMaterial, type ImportedMaterials, type KmsKey } from './kms-records.ts'

export type KeyOrigin = 'AWS_KMS' | 'EXTERNAL'
export const IMPORT_TYPES = ['NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL'] as const
export type ImportType = (typeof IMPORT_TYPES)[number]
export type ExpirationModel = 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE'

/** Material as it arrives. */
export interface Arrival {
  readonly id: string
  /** Undefined: new where there was never any, else known. */
  readonly type: ImportType | undefined
  /** Undefined: never. */
  readonly validToMs: number | undefined
  /** Undefined: that of the last time. */
  readonly description: string | undefined
  /** Its wrapped form as one version of the key. */
  wrap(version: number): string
}

export const originOf = (key: Pick<KmsKey, 'imported'>): KeyOrigin => (key.imported ? 'EXTERNAL' : 'AWS_KMS')

/** Throws KmsUnsupported where the key's material comes from elsewhere. */
export function requireOrigin(key: KmsKey, origin: KeyOrigin): void {
  if (originOf(key) === origin) return
  throw new Fault('KmsUnsupported', {
    message: `${key.arn} origin is ${originOf(key)} which is not valid for this operation.`,
  })
}

/** 64 hex digits that name material of a key with this salt. `identity`: by what it is known again. */
export function importedId(salt: string, identity: Uint8Array): string {
  return createHmac('sha256', Buffer.from(salt, 'base64')).update(identity).digest('hex')
}

/**
 * Material that the key has had before takes its place again; other material is the key's first, or waits for a rotation.
 * Throws KmsMaterialIncorrect and KmsMaterialStateInvalid.
 */
export function withArrival(key: KmsKey, arrival: Arrival): KmsKey {
  const imported = importsOf(key)
  const { versions, pending } = imported
  const { id, type = versions.length === 0 ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL' } = arrival
  const version = versionOf(imported, id)
  const isNew = type === 'NEW_KEY_MATERIAL'
  if (isNew && (version > 0 || pending?.id === id)) {
    throw new Fault('KmsMaterialIncorrect', { message: `The key material (id: ${id}) is already of ${key.arn}.` })
  }
  if (version > 0) return withVersion(key, version, described(arrival, versions[version - 1]), arrival.wrap(version))
  if (isNew && versions.length === 0) return withVersion(key, 1, described(arrival), arrival.wrap(1))
  if (!isNew && pending?.id !== id) {
    throw new Fault('KmsMaterialIncorrect', {
      message: `The key material (id: ${id}) is none that ${key.arn} has had.`,
    })
  }
  if (isNew && specOf(key) !== 'SYMMETRIC_DEFAULT') {
    throw new Fault('KmsMaterialIncorrect', { message: `The key material of ${key.arn} cannot be changed.` })
  }
  if (isNew) requirePrimary(key)
  if (isNew && pending) {
    throw new Fault('KmsMaterialStateInvalid', {
      message: `New key material (id: ${id}) cannot be imported into KMS key ${key.arn}, because another key material (id: ${pending.id}) is pending rotation.`,
    })
  }
  const wrapped = arrival.wrap(versions.length + 1)
  return { ...key, imported: { ...imported, pending: { ...described(arrival, pending), wrapped } } }
}

/** Whether material waits for a rotation, and its bytes are here. */
export const hasPending = ({ imported }: KmsKey) => (imported?.pending?.wrapped ?? GONE) !== GONE

/** Throws KmsMaterialStateInvalid where one of these keys has no material to be rotated in. */
export function requirePending(key: KmsKey, ...replicas: readonly KmsKey[]): void {
  if ([key, ...replicas].every(hasPending)) return
  throw new Fault('KmsMaterialStateInvalid', {
    message: `No available key material pending rotation for the key: ${key.arn}.`,
  })
}

/** The key with its pending material as its newest version. Throws as `requirePending`. */
export function withPendingActivated(key: KmsKey): KmsKey {
  requirePending(key)
  const { pending, ...imported } = importsOf(key)
  const { wrapped, ...material } = pending!
  return {
    ...key,
    material: [...key.material, wrapped],
    imported: { ...imported, versions: [...imported.versions, material] },
  }
}

/** The key without the material of this id. Throws KmsKeyNotFound where it never had it. */
export function withoutMaterial(key: KmsKey, id: string): KmsKey {
  const imported = importsOf(key)
  if (imported.pending?.id === id) return withoutPending(key)
  const version = versionOf(imported, id)
  if (version === 0) {
    throw new Fault('KmsKeyNotFound', { message: `The key material (id: ${id}) is none of ${key.arn}.` })
  }
  return withoutVersion(key, version)
}

/** The key at this moment: material whose time is over is gone, whether the sweep has been there or not. */
export function asOf(key: KmsKey, nowMs: number): KmsKey {
  if (!key.imported) return key
  const { versions, pending } = key.imported
  const isOver = ({ validToMs = Number.POSITIVE_INFINITY }: ImportedMaterial) => validToMs <= nowMs
  let next = pending && isOver(pending) ? withoutPending(key) : key
  for (const [index, material] of versions.entries()) {
    if (isOver(material)) next = withoutVersion(next, index + 1)
  }
  return next
}

/** A key that lacks any of its material cannot be used, since nobody knows which a ciphertext is going to need. */
export const isWhole = (key: KmsKey) => key.material.length > 0 && !key.material.includes(GONE)

/** The earliest end of its material, for keys that have any; `validToMs` undefined: it has none. */
export function expirationOf(key: KmsKey): { model: ExpirationModel; validToMs: number | undefined } | undefined {
  if (!key.imported || !key.material.some((wrapped) => wrapped !== GONE)) return undefined
  const ends = key.imported.versions.flatMap(({ validToMs }) => validToMs ?? [])
  if (ends.length === 0) return { model: 'KEY_MATERIAL_DOES_NOT_EXPIRE', validToMs: undefined }
  return { model: 'KEY_MATERIAL_EXPIRES', validToMs: Math.min(...ends) }
}

function importsOf(key: KmsKey): ImportedMaterials {
  requireOrigin(key, 'EXTERNAL')
  return key.imported!
}

/** 0 where none has this id. */
const versionOf = ({ versions }: ImportedMaterials, id: string) => versions.findIndex((one) => one.id === id) + 1

function described({ id, validToMs, description }: Arrival, last?: ImportedMaterial): ImportedMaterial {
  const text = description ?? last?.description
  return { id, ...(text !== undefined && { description: text }), ...(validToMs !== undefined && { validToMs }) }
}

function withVersion(key: KmsKey, version: number, material: ImportedMaterial, wrapped: string): KmsKey {
  const imported = importsOf(key)
  return settled({
    ...key,
    material: replaced(key.material, version, wrapped),
    imported: { ...imported, versions: replaced(imported.versions, version, material) },
  })
}

function withoutVersion(key: KmsKey, version: number): KmsKey {
  const { validToMs: _, ...material } = importsOf(key).versions[version - 1]!
  return withVersion(key, version, material, GONE)
}

/** Pending material is not the key's own yet, so nothing of it stays; a replica waits for what its primary key has. */
function withoutPending(key: KmsKey): KmsKey {
  const { pending, ...imported } = importsOf(key)
  if (!pending || isPrimary(key)) return { ...key, imported }
  return { ...key, imported: { ...imported, pending: { id: pending.id, wrapped: GONE } } }
}

/** The key in the state that its material puts it in; one that is about to go stays so. */
function settled(key: KmsKey): KmsKey {
  if (isLeaving(key)) return key
  if (!isWhole(key)) return { ...key, state: 'PendingImport' }
  return key.state === 'PendingImport' ? { ...key, state: 'Enabled' } : key
}

const replaced = <T>(list: readonly T[], version: number, value: T): readonly T[] => [
  ...list.slice(0, version - 1),
  value,
  ...list.slice(version),
]
