/** What listings in key order share: a cursor that can jump, markers, and common prefixes. */
import { name, nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordKind, RecordStore, Stored } from '../records/record-store.ts'
import { names } from './records.ts'

const BATCH = 1000

/** Goes through a range in batches, and can jump ahead. */
export class Cursor<T> {
  readonly #records: RecordStore
  readonly #kind: RecordKind<T>
  readonly #lt: Uint8Array
  readonly #batch: number
  #next: Uint8Array
  #page: Stored<T>[] = []
  #at = 0
  #ended = false

  constructor(records: RecordStore, kind: RecordKind<T>, gte: Uint8Array, lt: Uint8Array, batch: number) {
    this.#records = records
    this.#kind = kind
    this.#next = gte
    this.#lt = lt
    this.#batch = Math.min(batch, BATCH + 1)
  }

  async peek(): Promise<Stored<T> | undefined> {
    if (this.#at === this.#page.length && !this.#ended) {
      const range = { gte: this.#next, lt: this.#lt, limit: this.#batch }
      this.#page = Buffer.compare(this.#next, this.#lt) < 0 ? await this.#records.range(this.#kind, range) : []
      this.#at = 0
      this.#ended = this.#page.length < this.#batch
      const last = this.#page.at(-1)
      if (last) this.#next = nameAfter(last.name)
    }
    return this.#page[this.#at]
  }

  advance(): void {
    this.#at++
  }

  /** On to the first name that is not below `to`. */
  jump(to: Uint8Array): void {
    while (this.#at < this.#page.length && Buffer.compare(this.#page[this.#at]!.name, to) < 0) this.#at++
    if (this.#at === this.#page.length && Buffer.compare(this.#next, to) < 0) this.#next = to
  }
}

/** Where a listing of keys begins after `startAfter`, which may be a common prefix to be passed over whole. */
export function firstName(bucketId: string, prefix: string, delimiter: string, startAfter: string): Uint8Array {
  const from = names.objectKey(bucketId, prefix)
  if (startAfter === '') return from
  const common = commonPrefix(startAfter, prefix, delimiter)
  const marker = names.objectKey(bucketId, startAfter)
  return maxName(from, common === startAfter ? prefixEnd(marker) : nameAfter(marker))
}

export const maxName = (a: Uint8Array, b: Uint8Array) => (Buffer.compare(a, b) >= 0 ? a : b)
export const compareKeys = (a: string, b: string) => Buffer.compare(name(a), name(b))

/** The part of a key up to and with the first delimiter after the prefix; undefined where it has none. */
export function commonPrefix(objectKey: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !objectKey.startsWith(prefix)) return undefined
  const at = objectKey.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : objectKey.slice(0, at + delimiter.length)
}
