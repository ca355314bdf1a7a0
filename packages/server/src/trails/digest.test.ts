import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { isSignedBy, makeDigest, sha256Hex, signDigest, stringToSign } from './digest.ts'
import { DigestKeys } from './digest-keys.ts'

const DAY_MS = 86_400_000
const intent = {
  bucket: 'logs',
  objectKey: 'AWSLogs/1/CloudTrail-Digest/x.json.gz',
  startMs: Date.parse('2015-08-12T03:01:31Z'),
  endMs: Date.parse('2015-08-12T04:01:31Z'),
  beforeNumber: 3,
  fingerprint: 'f'.repeat(32),
  isLast: false,
}
const file = (oldestEventTime: string, newestEventTime: string) => ({
  bucket: 'logs',
  objectKey: `file of ${oldestEventTime}`,
  hashValue: 'aa',
  oldestEventTime,
  newestEventTime,
})
const previous = { bucket: 'logs', objectKey: 'before', hashValue: 'bb', signature: 'cc' }

test('a digest names its files, and the digest before it', () => {
  const files = [
    file('2015-08-12T03:10:00Z', '2015-08-12T03:50:00Z'),
    file('2015-08-12T03:05:00Z', '2015-08-12T03:20:00Z'),
  ]
  expect(makeDigest('111122223333', intent, previous, files)).toEqual({
    awsAccountId: '111122223333',
    digestStartTime: '2015-08-12T03:01:31Z',
    digestEndTime: '2015-08-12T04:01:31Z',
    digestS3Bucket: 'logs',
    digestS3Object: intent.objectKey,
    digestPublicKeyFingerprint: intent.fingerprint,
    digestSignatureAlgorithm: 'SHA256withRSA',
    newestEventTime: '2015-08-12T03:50:00Z',
    oldestEventTime: '2015-08-12T03:05:00Z',
    previousDigestS3Bucket: 'logs',
    previousDigestS3Object: 'before',
    previousDigestHashValue: 'bb',
    previousDigestHashAlgorithm: 'SHA-256',
    previousDigestSignature: 'cc',
    logFiles: files.map(({ bucket, objectKey, hashValue, ...times }) => ({
      s3Bucket: bucket,
      s3Object: objectKey,
      hashValue,
      hashAlgorithm: 'SHA-256',
      ...times,
    })),
  })
})

test('the first digest of a chain names none before it, and an empty one has no times', () => {
  const digest = makeDigest('1', intent, undefined, [])
  expect(digest).toMatchObject({ newestEventTime: null, oldestEventTime: null, logFiles: [] })
  for (const member of ['S3Bucket', 'S3Object', 'HashValue', 'HashAlgorithm', 'Signature']) {
    expect(digest).toHaveProperty(`previousDigest${member}`, null)
  }
})

test.each([
  [previous, 'cc'],
  [undefined, 'null'],
])('what is signed', (before, last) => {
  const digest = makeDigest('1', intent, before, [])
  expect(stringToSign(digest, 'ab12')).toBe(
    `2015-08-12T04:01:31Z\nlogs/AWSLogs/1/CloudTrail-Digest/x.json.gz\nab12\n${last}`,
  )
})

function room() {
  const clock = { now: Date.parse('2026-01-01'), nowMs: () => clock.now }
  const records = new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32).fill(2)).derive('records'))
  return { clock, keys: new DigestKeys(records, clock) }
}

test('a signature holds for its digest and key, and for nothing else', async () => {
  const { keys, clock } = room()
  const key = await keys.current('us-east-1')
  const digest = makeDigest('1', intent, previous, [])
  const hash = sha256Hex(Buffer.from(JSON.stringify(digest)))
  const signature = signDigest(digest, hash, key)
  expect(signature).toMatch(/^[0-9a-f]{512}$/)
  expect(signDigest(digest, hash, key)).toBe(signature)
  expect(isSignedBy(digest, hash, signature, key.publicKey)).toBe(true)
  expect(
    isSignedBy(
      digest,
      hash.replace(/^./, (c) => (c === '0' ? '1' : '0')),
      signature,
      key.publicKey,
    ),
  ).toBe(false)
  expect(isSignedBy({ ...digest, digestS3Object: 'moved' }, hash, signature, key.publicKey)).toBe(false)
  expect(isSignedBy({ ...digest, previousDigestSignature: null }, hash, signature, key.publicKey)).toBe(false)
  expect(isSignedBy(digest, hash, '00', key.publicKey)).toBe(false)
  clock.now += 400 * DAY_MS
  const other = await keys.current('us-east-1')
  expect(isSignedBy(digest, hash, signature, other.publicKey)).toBe(false)
})

test('a region has one key for a year, then another, and the old one stays', async () => {
  const { keys, clock } = room()
  const beganMs = clock.now
  const first = await keys.current('us-east-1')
  expect(first.fingerprint).toBe(
    createHash('sha256').update(Buffer.from(first.publicKey, 'base64')).digest('hex').slice(0, 32),
  )
  clock.now += 364 * DAY_MS
  expect(await keys.current('us-east-1')).toEqual(first)
  expect((await keys.current('eu-west-1')).fingerprint).not.toBe(first.fingerprint)
  clock.now += DAY_MS
  const second = await keys.current('us-east-1')
  expect(second.fingerprint).not.toBe(first.fingerprint)
  expect(await keys.find('us-east-1', first.fingerprint)).toEqual(first)
  expect(await keys.find('eu-west-1', first.fingerprint)).toBeUndefined()
  const valid = async (fromMs: number, untilMs: number) =>
    (await keys.validBetween('us-east-1', fromMs, untilMs)).map(({ fingerprint }) => fingerprint)
  expect(await valid(beganMs - DAY_MS, beganMs - 1)).toEqual([])
  expect(await valid(beganMs - DAY_MS, beganMs)).toEqual([first.fingerprint])
  expect(await valid(beganMs, clock.now)).toEqual([first.fingerprint, second.fingerprint])
  expect(await valid(clock.now + 60 * DAY_MS, clock.now + 61 * DAY_MS)).toEqual([second.fingerprint])
})

test('of several that ask for a key at once each gets the same', async () => {
  const { keys } = room()
  const got = await Promise.all([1, 2, 3].map(() => keys.current('us-east-1')))
  expect(new Set(got.map(({ fingerprint }) => fingerprint)).size).toBe(1)
})
