/**
 * Version ids: 32 opaque characters that hold the version's sequence, so that a version is found by one read, and
 * random bits, so that they cannot be guessed. Sequences grow with time, and always within one key.
 */
import { freshBytes } from '@strongroom/crypto/node'

export const NULL_VERSION = 'null'

export function newVersionId(sequence: string): string {
  const bytes = Buffer.alloc(24)
  bytes.writeBigUInt64BE(BigInt(sequence))
  bytes.set(freshBytes(16), 8)
  return bytes.toString('base64url')
}

/** The sequence in a version id; undefined where the text is none. */
export function sequenceOf(versionId: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{32}$/.test(versionId)) return undefined
  return Buffer.from(versionId, 'base64url').readBigUInt64BE().toString()
}

/** Above `newest`, and near the time. */
export function nextSequence(nowMs: number, newest: string | undefined): string {
  const byTime = BigInt(nowMs) << 20n
  const above = newest === undefined ? 0n : BigInt(newest) + 1n
  return (byTime > above ? byTime : above).toString()
}
