/**
 * The regions in which one server answers the KMS. Each has keys, aliases and grants of its own, in a place of its own among
 * the records; those of the server's own region stand where they would without any other.
 */
import { Fault } from '../core/fault.ts'
import { name, ZERO } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { type KmsKey, keyName, kmsKeyRecord, type MultiRegionSet } from './kms-records.ts'

/** A key of a set, where it stands. */
export interface RelatedKey {
  readonly records: RecordStore
  readonly stored: Stored<KmsKey>
}

export class KeyRegions {
  /** The server's own first. */
  readonly names: readonly string[]
  readonly #places = new Map<string, RecordStore>()

  constructor(records: RecordStore, own: string, others: readonly string[] = []) {
    this.names = [...new Set([own, ...others])]
    this.#places.set(own, records)
  }

  /** Also of a region in which the server does not answer any more, since its keys may still be of a set. */
  of(region: string): RecordStore {
    let place = this.#places.get(region)
    if (!place) {
      place = this.#places.get(this.names[0]!)!.within(name(region, ZERO))
      this.#places.set(region, place)
    }
    return place
  }

  /** The other keys of a key's set; none of a key of one region. */
  async relatedTo(key: KmsKey): Promise<readonly RelatedKey[]> {
    if (!key.multiRegion) return []
    const { primaryRegion, replicaRegions } = key.multiRegion
    const others = [primaryRegion, ...replicaRegions].filter((region) => region !== regionOf(key))
    const found = others.map(async (region) => {
      const records = this.of(region)
      const stored = await records.get(kmsKeyRecord, keyName(key.accountId, key.keyId))
      return stored && { records, stored }
    })
    return (await Promise.all(found)).filter((one) => one !== undefined)
  }
}

/** What it takes to put `next` in the place of a key that was read. */
export function replacing({ records, stored }: RelatedKey, next: KmsKey): readonly [Check, Mutation] {
  return [records.unchanged(kmsKeyRecord, stored), records.put(kmsKeyRecord, stored.name, next)]
}

export const regionOf = ({ arn }: Pick<KmsKey, 'arn'>): string => arn.split(':')[3]!

/** Keys of one region are primary too. */
export const isPrimary = (key: KmsKey) => !key.multiRegion || key.multiRegion.primaryRegion === regionOf(key)

export type MultiRegionKeyType = 'PRIMARY' | 'REPLICA'

/** Undefined of a key of one region. */
export const multiRegionKeyType = (key: KmsKey): MultiRegionKeyType | undefined =>
  key.multiRegion && (isPrimary(key) ? 'PRIMARY' : 'REPLICA')

/** Whether other keys follow this one. */
export const isFollowed = (key: KmsKey): key is KmsKey & { readonly multiRegion: MultiRegionSet } =>
  isPrimary(key) && key.multiRegion !== undefined && key.multiRegion.replicaRegions.length > 0

/** Throws KmsUnsupported. */
export function requirePrimary(key: KmsKey): void {
  if (isPrimary(key)) return
  throw new Fault('KmsUnsupported', { message: `${key.arn} is not a multi-region primary key.` })
}

/** Throws KmsUnsupported, also for keys of one region. */
export function requireMultiRegionPrimary(key: KmsKey): MultiRegionSet {
  if (key.multiRegion && isPrimary(key)) return key.multiRegion
  throw new Fault('KmsUnsupported', { message: `${key.arn} is not a multi-region primary key.` })
}

/** The same key of a set in another region. */
export const arnIn = (region: string, arn: string): string => arn.replace(/^(arn:aws:kms:)[^:]*/, `$1${region}`)

/** The key here that opens what one of its set has sealed elsewhere: ids of such keys have a form of their own. */
export const relatedArn = (region: string, arn: string): string =>
  /:key\/mrk-[0-9a-f]{32}$/.test(arn) ? arnIn(region, arn) : arn
