import { randomFillSync } from 'node:crypto'
import type { EntryVersion } from './catalog.ts'

/**
 * A version that no entry ever had: 53 random bits, exact in a double, never 0. Random and not counted, so that it
 * does not return when a key is removed and made again, and no process must ask another for the next one.
 */
export function newEntryVersion(): EntryVersion {
  if (at === pool.length) {
    randomFillSync(pool)
    at = 0
  }
  const version = (pool[at]! & 0x1fffff) * 2 ** 32 + pool[at + 1]!
  at += 2
  return version === 0 ? newEntryVersion() : version
}

const pool = new Uint32Array(512)
let at = pool.length
