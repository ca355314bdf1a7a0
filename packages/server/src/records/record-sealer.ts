/** A record's value as it stands in the catalog (docs/formats/records.md): sealed, and bound to its catalog key. */
import { SealError } from '@strongroom/crypto'
import type { SealingKey } from '../root-key/store-key.ts'
import { name as joined } from './names.ts'

export class RecordSealer {
  readonly #key: SealingKey

  constructor(key: SealingKey) {
    this.#key = key
  }

  seal(catalogKey: Uint8Array, formatVersion: number, json: Uint8Array): Uint8Array {
    const sealed = this.#key.seal(json, associatedData(catalogKey, formatVersion))
    return joined(new Uint8Array([LAYOUT, formatVersion]), sealed)
  }

  /** The record's JSON. Throws SealError where the value is not of this key and format version. */
  open(catalogKey: Uint8Array, formatVersion: number, value: Uint8Array): Uint8Array {
    if (value[1] !== formatVersion) throw new SealError()
    const bound = associatedData(catalogKey, formatVersion)
    if (value[0] === LAYOUT) return this.#key.open(value.subarray(2), bound)
    if (value[0] === LAYOUT_WITHOUT_VERSION) return this.#key.openFirst(value.subarray(2), bound)
    throw new SealError()
  }

  /** Whether the version of the store key that seals now sealed it. Values that name no version are never new. */
  isNewest(value: Uint8Array): boolean {
    return value[0] === LAYOUT && this.#key.isNewest(value.subarray(2))
  }
}

/** The format version has one byte and stands last, so key and version cannot be confused. */
function associatedData(catalogKey: Uint8Array, formatVersion: number): Uint8Array {
  return joined(catalogKey, new Uint8Array([formatVersion]))
}

/** First byte of every stored record. */
const LAYOUT = 2
/** Of the time before the store key had versions. */
const LAYOUT_WITHOUT_VERSION = 1
