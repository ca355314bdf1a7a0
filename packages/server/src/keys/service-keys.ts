/**
 * The server's own keys, for SSE-S3 and for DSSE-KMS's second layer. They have versions: the newest wraps, all unwrap, and
 * each year brings a new one.
 * A wrapped data key begins with one byte of layout and four of version.
 */
import { DataKey, SealError } from '@strongroom/crypto'
import { freshBytes, generateDataKey, MessageKey, unwrapKey, wrapKey } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { type CacheCounts, Recent } from '../core/recent.ts'
import { name } from '../records/names.ts'
import { defineRecord, type RecordStore, type Stored } from '../records/record-store.ts'
import type { RecordRewrap } from '../records/reseal.ts'
import type { SealingKey, StoreKey } from '../root-key/store-key.ts'
import { SERVICE_KEY_PURPOSES, type ServiceKeyPurpose, type ServiceKeys } from './key-service.ts'

export interface ServiceKeyRecord {
  /** Wrapped key material by version, the first being version 1. */
  readonly material: readonly string[]
  /** When the newest came; absent in records of old, which are due. */
  readonly newestAtMs?: number
}

const serviceKeyRecord = defineRecord<ServiceKeyRecord>({
  label: 'service key',
  prefix: 's',
  formatVersion: 1,
  cached: true,
})

export class StoredServiceKeys implements ServiceKeys {
  readonly #records: RecordStore
  readonly #wrapping: SealingKey
  readonly #clock: Clock
  /** Opened material by its wrapped form, which never changes meaning. */
  readonly #opened = new Map<string, MessageKey>()
  readonly #unwrapped = new Recent<Uint8Array>(MOST_UNWRAPPED)

  constructor(records: RecordStore, storeKey: StoreKey, clock: Clock) {
    this.#records = records
    this.#clock = clock
    this.#wrapping = storeKey.derive('service key material')
  }

  /** How often a data key was unwrapped lately. */
  get cacheCounts(): CacheCounts {
    return this.#unwrapped
  }

  async generate(purpose: ServiceKeyPurpose, context: Uint8Array): Promise<{ dataKey: DataKey; wrapped: Uint8Array }> {
    const dataKey = generateDataKey()
    return { dataKey, wrapped: await this.wrap(purpose, dataKey, context) }
  }

  async wrap(purpose: ServiceKeyPurpose, dataKey: DataKey, context: Uint8Array): Promise<Uint8Array> {
    const { value } = await this.#current(purpose)
    const version = value.material.length
    const head = Buffer.alloc(5)
    head[0] = LAYOUT
    head.writeUInt32BE(version, 1)
    return name(head, wrapKey(this.#open(purpose, value, version), dataKey, context))
  }

  async unwrap(purpose: ServiceKeyPurpose, wrapped: Uint8Array, context: Uint8Array): Promise<DataKey> {
    const { value } = await this.#current(purpose)
    const version = Buffer.from(wrapped).readUInt32BE(1)
    if (wrapped[0] !== LAYOUT || version < 1 || version > value.material.length) {
      throw new Fault('Damaged', { what: `wrapped data key of ${purpose}` })
    }
    // What was unwrapped lately need not be again; the name holds all that decides on it.
    const known = `${purpose} ${latin1(wrapped)} ${latin1(context)}`
    const recent = this.#unwrapped.get(known)
    if (recent) return new DataKey(Uint8Array.from(recent))
    try {
      const dataKey = unwrapKey(this.#open(purpose, value, version), wrapped.subarray(5), context)
      this.#unwrapped.set(known, Uint8Array.from(dataKey.bytes()))
      return dataKey
    } catch (error) {
      if (error instanceof SealError)
        throw new Fault('Damaged', { what: `wrapped data key of ${purpose}` }, { cause: error })
      throw error
    }
  }

  /** Gives a new version to each key whose newest is a year old. Resolves to their purposes. */
  async rotateDueKeys(): Promise<readonly ServiceKeyPurpose[]> {
    const rotated: ServiceKeyPurpose[] = []
    for (const purpose of SERVICE_KEY_PURPOSES) {
      const stored = await this.#records.get(serviceKeyRecord, name(purpose))
      if (!stored || (stored.value.newestAtMs ?? 0) + ROTATED_EVERY_MS > this.#clock.nowMs()) continue
      if (await this.#append(purpose, stored)) rotated.push(purpose)
    }
    return rotated
  }

  /** How material is wrapped anew when the store key gets a new version. */
  get rewrap(): RecordRewrap<ServiceKeyRecord> {
    return {
      kind: serviceKeyRecord,
      rewrapped: (record, recordName) => {
        const purpose = Buffer.from(recordName).toString() as ServiceKeyPurpose
        const material = record.material.map((wrapped, i) =>
          this.#wrapping.rewrap(wrapped, materialContext(purpose, i + 1)),
        )
        return material.every((wrapped, i) => wrapped === record.material[i]) ? record : { ...record, material }
      },
    }
  }

  async #current(purpose: ServiceKeyPurpose): Promise<Stored<ServiceKeyRecord>> {
    for (;;) {
      const stored = await this.#records.get(serviceKeyRecord, name(purpose))
      if (stored) return stored
      // The first use makes the first version; of processes that race for it one wins and the others read it.
      await this.#append(purpose, undefined)
    }
  }

  /** False where another process was faster. */
  async #append(purpose: ServiceKeyPurpose, current: Stored<ServiceKeyRecord> | undefined): Promise<boolean> {
    const material = current?.value.material ?? []
    const version = material.length + 1
    const made = freshBytes(32)
    const next = {
      material: [...material, this.#wrapping.wrap(made, materialContext(purpose, version))],
      newestAtMs: this.#clock.nowMs(),
    }
    made.fill(0)
    return this.#records.commit(
      [this.#records.still(serviceKeyRecord, name(purpose), current)],
      [this.#records.put(serviceKeyRecord, name(purpose), next)],
    )
  }

  #open(purpose: ServiceKeyPurpose, record: ServiceKeyRecord, version: number): MessageKey {
    const wrapped = record.material[version - 1]!
    let key = this.#opened.get(wrapped)
    if (!key) {
      const material = this.#wrapping.unwrap(wrapped, materialContext(purpose, version))
      key = new MessageKey(material)
      material.fill(0)
      this.#opened.set(wrapped, key)
    }
    return key
  }
}

const materialContext = (purpose: ServiceKeyPurpose, version: number) => Buffer.from(`${purpose} version ${version}`)
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
const LAYOUT = 1
const ROTATED_EVERY_MS = 365 * 86_400_000
const MOST_UNWRAPPED = 2_000
