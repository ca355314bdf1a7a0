/** The file `root-key.ring` of a data folder: the versions of the store key, wrapped (docs/formats/root-key-ring.md). */
import { join } from 'node:path'
import { readIfPresent, writeFileDurably } from '../core/durable-file.ts'
import { RootKeyError } from './provider.ts'

export interface RingFile {
  readonly format: typeof FORMAT
  /** Names this data folder to the provider. */
  readonly storeId: string
  /** Who wrapped the versions, for people. */
  readonly wrappedBy: string
  /** In their order; the last one with `sealsSinceMs` seals. */
  readonly versions: readonly RingVersion[]
  /** Set while a rotation shall end with the old versions at once, and not wait for sessions. */
  readonly endSessions?: true
}

export interface RingVersion {
  readonly version: number
  /** Base64, of what the provider made. */
  readonly wrapped: string
  readonly createdAtMs: number
  /** Absent: it opens, and does not seal yet. */
  readonly sealsSinceMs?: number
}

export const ringPath = (dataDir: string) => join(dataDir, 'root-key.ring')

/** Undefined where there is none. Throws RootKeyError where it cannot be one. */
export async function readRing(dataDir: string): Promise<RingFile | undefined> {
  const path = ringPath(dataDir)
  const text = await readIfPresent(path)
  if (text === undefined) return undefined
  let ring: Partial<RingFile> | null
  try {
    ring = JSON.parse(text) as Partial<RingFile> | null
  } catch (error) {
    throw new RootKeyError(`${path} is damaged: restore it from a backup`, { cause: error })
  }
  const isRing = ring?.format === FORMAT && typeof ring.storeId === 'string' && Array.isArray(ring.versions)
  if (!isRing || sealingOf(ring as RingFile) === undefined) {
    throw new RootKeyError(`${path} is of another format than ${FORMAT}`)
  }
  return ring as RingFile
}

export async function writeRing(dataDir: string, ring: RingFile): Promise<void> {
  await writeFileDurably(ringPath(dataDir), `${JSON.stringify(ring, undefined, 2)}\n`, 0o600)
}

/** The version that seals. */
export const sealingOf = ({ versions }: RingFile): RingVersion =>
  versions.findLast(({ sealsSinceMs }) => sealsSinceMs !== undefined)!

export const FORMAT = 'strongroom root key ring 1'
