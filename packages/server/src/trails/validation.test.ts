import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { type Digest, makeDigest, sha256Hex, signDigest } from './digest.ts'
import { DigestKeys } from './digest-keys.ts'
import { digestKeyName, logFileKey } from './log-file-name.ts'
import type { DeliveredFile, DigestKey, PreviousDigest } from './trail-records.ts'
import { type ArchivedFile, type Finding, validateTrail } from './validation.ts'

const HOUR_MS = 3_600_000
const beginMs = Date.parse('2026-01-01T00:00:00Z')
const trail = { accountId: '111122223333', name: 'my-trail', homeRegion: 'us-east-1' }
const keyAt = (hour: number) => digestKeyName(trail, 'us-east-1', beginMs + hour * HOUR_MS)
const logAt = (hour: number, i: number) =>
  logFileKey(trail, 'us-east-1', beginMs + hour * HOUR_MS, `unique${i}`.padEnd(16, '0'))

let key: DigestKey
let strangersKey: DigestKey
beforeAll(async () => {
  const records = new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32).fill(2)).derive('records'))
  const keys = new DigestKeys(records, { nowMs: () => beginMs })
  key = await keys.current('us-east-1')
  strangersKey = await keys.current('eu-west-1')
})

/** Digests of four hours, each but the third with two log files; `breaks`: those that begin a chain. */
class Archive {
  readonly files = new Map<string, ArchivedFile>()
  withSignatures = true

  constructor(breaks: readonly number[] = [1]) {
    let previous: PreviousDigest | undefined
    for (let hour = 1; hour <= 4; hour++) {
      if (breaks.includes(hour)) previous = undefined
      const logs = hour === 3 ? [] : [0, 1].map((i) => this.#log(hour, i))
      previous = this.#digest(hour, previous, logs)
    }
  }

  get digests() {
    return [...this.files.keys()]
      .filter((objectKey) => objectKey.includes('CloudTrail-Digest'))
      .map((objectKey) => ({ bucket: 'logs', objectKey }))
  }

  async read({ objectKey }: { objectKey: string }) {
    const file = this.files.get(objectKey)
    return file && (this.withSignatures ? file : { body: file.body })
  }

  /** Signed by `by`, so that only what others say of it may be wrong. */
  put(objectKey: string, digest: Digest, by = key) {
    const content = Buffer.from(JSON.stringify(digest))
    const signature = signDigest(digest, sha256Hex(content), by)
    this.files.set(objectKey, { body: gzipSync(content), signature })
    return { bucket: 'logs', objectKey, hashValue: sha256Hex(content), signature }
  }

  digest(hour: number): Digest {
    return JSON.parse(gunzipSync(this.files.get(keyAt(hour))!.body).toString())
  }

  #log(hour: number, i: number): DeliveredFile {
    const content = Buffer.from(JSON.stringify({ Records: [{ hour, i }] }))
    const objectKey = logAt(hour, i)
    this.files.set(objectKey, { body: gzipSync(content) })
    const eventTime = '2026-01-01T00:00:00Z'
    return {
      bucket: 'logs',
      objectKey,
      hashValue: sha256Hex(content),
      oldestEventTime: eventTime,
      newestEventTime: eventTime,
    }
  }

  #digest(hour: number, previous: PreviousDigest | undefined, logs: readonly DeliveredFile[]) {
    const intent = {
      bucket: 'logs',
      objectKey: keyAt(hour),
      startMs: beginMs + (hour - 1) * HOUR_MS,
      endMs: beginMs + hour * HOUR_MS,
      beforeNumber: 0,
      fingerprint: key.fingerprint,
      isLast: false,
    }
    return this.put(keyAt(hour), makeDigest(trail.accountId, intent, previous, logs))
  }
}

async function problems(archive: Archive, range = {}) {
  const found: Finding[] = []
  for await (const one of validateTrail(archive, new Map([[key.fingerprint, key.publicKey]]), range)) found.push(one)
  const wrong = found.filter(({ state }) => state !== 'valid')
  return { found, wrong: wrong.map(({ objectKey, state, reason }) => `${names(objectKey)} ${state}: ${reason}`) }
}

const names = (objectKey: string) => {
  for (let hour = 1; hour <= 4; hour++) {
    if (objectKey === keyAt(hour)) return `digest ${hour}`
    for (const i of [0, 1]) if (objectKey === logAt(hour, i)) return `log ${hour}.${i}`
  }
  return objectKey
}

test('what was delivered is valid, all of it, newest first', async () => {
  const { found, wrong } = await problems(new Archive())
  expect(wrong).toEqual([])
  expect(found.map(({ objectKey }) => names(objectKey))).toEqual([
    'digest 4',
    'log 4.0',
    'log 4.1',
    'digest 3',
    'digest 2',
    'log 2.0',
    'log 2.1',
    'digest 1',
    'log 1.0',
    'log 1.1',
  ])
})

test('so is a chain that was broken off and begun anew', async () => {
  const { found, wrong } = await problems(new Archive([1, 3]))
  expect(wrong).toEqual([])
  expect(found).toHaveLength(10)
})

test('a range takes the digests that end in it', async () => {
  const range = { fromMs: beginMs + 2 * HOUR_MS, untilMs: beginMs + 3 * HOUR_MS }
  const { found } = await problems(new Archive(), range)
  expect(found.map(({ objectKey }) => names(objectKey))).toEqual(['digest 3', 'digest 2', 'log 2.0', 'log 2.1'])
})

const flipped = (body: Uint8Array, at: number) => Buffer.from(body).fill(body[at]! ^ 1, at, at + 1)
const CASES: readonly (readonly [string, (archive: Archive) => void, readonly string[]])[] = [
  ['a log file removed', ({ files }) => files.delete(logAt(2, 1)), ['log 2.1 invalid: not found']],
  [
    'a log file altered',
    ({ files }) => files.set(logAt(2, 1), { body: gzipSync('{"Records":[]}') }),
    ["log 2.1 invalid: hash value doesn't match"],
  ],
  [
    'a log file that is no gzip',
    ({ files }) => files.set(logAt(2, 1), { body: Buffer.from('x') }),
    ['log 2.1 invalid: invalid format'],
  ],
  [
    'log files exchanged',
    ({ files }) => {
      const [a, b] = [files.get(logAt(2, 0))!, files.get(logAt(2, 1))!]
      files.set(logAt(2, 0), b).set(logAt(2, 1), a)
    },
    ["log 2.0 invalid: hash value doesn't match", "log 2.1 invalid: hash value doesn't match"],
  ],
  ['a digest removed', ({ files }) => files.delete(keyAt(3)), ['digest 3 invalid: not found']],
  [
    'a digest altered',
    (archive) => {
      const { signature } = archive.files.get(keyAt(2))!
      const body = gzipSync(JSON.stringify({ ...archive.digest(2), logFiles: [] }))
      archive.files.set(keyAt(2), { body, signature })
    },
    ['digest 2 invalid: signature verification failed'],
  ],
  [
    'a digest signed by somebody else, under the key’s name',
    (archive) => archive.put(keyAt(2), { ...archive.digest(2), logFiles: [] }, strangersKey),
    ['digest 2 invalid: signature verification failed'],
  ],
  [
    'a digest signed by somebody else',
    (archive) => {
      const digest = { ...archive.digest(4), digestPublicKeyFingerprint: 'ab' }
      archive.put(keyAt(4), digest, strangersKey)
    },
    ['digest 4 invalid: public key not found for fingerprint ab'],
  ],
  [
    'a digest with another signature',
    ({ files }) => files.set(keyAt(2), { body: files.get(keyAt(2))!.body, signature: 'ab' }),
    ['digest 2 invalid: signature verification failed'],
  ],
  // Signed by the right key, so that only the chain tells.
  [
    'a digest in the place of another',
    (archive) => archive.put(keyAt(2), { ...archive.digest(2), logFiles: [] }),
    ['digest 2 invalid: is not the one that the next digest names'],
  ],
  [
    'a digest moved',
    ({ files }) => files.set(keyAt(3), files.get(keyAt(2))!),
    ['digest 3 invalid: has been moved from its original location'],
  ],
  [
    'a digest cut off',
    ({ files }) => {
      const { body, signature } = files.get(keyAt(2))!
      files.set(keyAt(2), { body: body.subarray(0, 50), signature })
    },
    ['digest 2 invalid: invalid format'],
  ],
  [
    'a digest that is no digest',
    ({ files }) => files.set(keyAt(2), { body: gzipSync('null'), signature: 'ab' }),
    ['digest 2 invalid: invalid format'],
  ],
  [
    'a digest that names itself as the one before it',
    (archive) => archive.put(keyAt(4), { ...archive.digest(4), previousDigestS3Object: keyAt(4) }),
    ['digest 4 invalid: names a digest before it that is no older'],
  ],
  [
    'a chain that leaves one out',
    (archive) => {
      const { previousDigestS3Object, previousDigestHashValue, previousDigestSignature } = archive.digest(3)
      archive.put(keyAt(4), {
        ...archive.digest(4),
        previousDigestS3Object,
        previousDigestHashValue,
        previousDigestSignature,
      })
    },
    ['digest 3 invalid: is in no chain of digests'],
  ],
  [
    'a byte of a compressed digest',
    ({ files }) => {
      const { body, signature } = files.get(keyAt(2))!
      files.set(keyAt(2), { body: flipped(body, body.length - 12), signature })
    },
    ['digest 2 invalid: invalid format'],
  ],
]

test.each(CASES)('%s is told, and the rest is still verified', async (_, tamper, expected) => {
  const archive = new Archive()
  tamper(archive)
  const { found, wrong } = await problems(archive)
  expect(wrong).toEqual(expected)
  expect(found.some(({ objectKey, state }) => objectKey === logAt(1, 0) && state === 'valid')).toBe(true)
})

test('without signatures at hand, each but the newest is verified by the one that its successor has', async () => {
  const archive = new Archive()
  archive.withSignatures = false
  const why = 'unverified: there is no signature at hand'
  expect((await problems(archive)).wrong).toEqual([`digest 4 ${why}`, `log 4.0 ${why}`, `log 4.1 ${why}`])
  archive.put(keyAt(2), { ...archive.digest(2), logFiles: [] })
  expect((await problems(archive)).wrong).toContain('digest 2 invalid: signature verification failed')
})
