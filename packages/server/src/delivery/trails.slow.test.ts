import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { Position } from '../journal/frame.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { JournalWriter } from '../journal/journal-writer.ts'
import { call, getInput, makeRoom, type Room, read } from '../objects/room.fixture.ts'
import { type Digest, isSignedBy, sha256Hex } from '../trails/digest.ts'
import { DigestKeys } from '../trails/digest-keys.ts'
import type { JournalName, Trail } from '../trails/trail-records.ts'
import { type NewTrail, Trails } from '../trails/trails.ts'
import { TrailBuckets } from './trail-bucket.ts'
import type { TrailJournals } from './trail-reading.ts'
import { TrailDelivery, type TrailDeliveryOptions } from './trails.ts'

const ACCOUNT = call.principal.accountId
const REGIONS = ['us-east-1', 'eu-west-1']
const LOG_FILE =
  /^AWSLogs\/\d{12}\/CloudTrail\/[\w-]+\/\d{4}\/\d\d\/\d\d\/\d{12}_CloudTrail_[\w-]+_\d{8}T\d{4}Z_\w{16}\.json\.gz$/

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

type Writers = Readonly<Record<JournalName, JournalWriter>>

/** A bucket, a journal and trails over one store. */
class Fixture {
  readonly room: Room
  readonly trails: Trails
  readonly digestKeys: DigestKeys
  readonly #writers: Writers
  readonly #dir: string
  #nextId = 0
  delivery: TrailDelivery

  private constructor(dir: string, writers: Writers, room: Room) {
    this.room = room
    this.trails = new Trails(room.records, room.clock)
    this.digestKeys = new DigestKeys(room.records, room.clock)
    this.#dir = dir
    this.#writers = writers
    this.delivery = this.restarted()
  }

  static async make(): Promise<Fixture> {
    const dir = await mkdtemp(join(tmpdir(), 'trails-'))
    const room = makeRoom()
    const open = (name: JournalName) =>
      JournalWriter.open({ dir: join(dir, name), name, records: room.records, clock: room.clock, segmentBytes: 20_000 })
    const writers = { management: await open('management'), data: await open('data') }
    ends.push(async () => {
      await Promise.all(Object.values(writers).map((writer) => writer.close()))
      await rm(dir, { recursive: true })
    })
    const fixture = new Fixture(dir, writers, room)
    await fixture.bucket('bucket')
    return fixture
  }

  async bucket(name: string): Promise<void> {
    await this.room.buckets.create(call, name)
    await this.allow(name)
  }

  /** Lets CloudTrail write, or nobody. */
  async allow(bucket: string, allowed = true): Promise<void> {
    const statement = {
      Effect: 'Allow',
      Principal: { Service: 'cloudtrail.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: `arn:aws:s3:::${bucket}/*`,
      Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
    }
    const policy = allowed ? JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) : undefined
    await this.room.buckets.change(call, bucket, (record) => ({ ...record, policy }))
  }

  /** As another process would begin. */
  restarted(more: Partial<TrailDeliveryOptions> = {}, onRead: (from?: Position) => void = () => {}): TrailDelivery {
    const { room } = this
    const journal = (name: JournalName): TrailJournals[JournalName] => {
      const reader = new JournalReader({ dir: join(this.#dir, name), name, records: room.records })
      return {
        segments: () => reader.segments(),
        frames(from, wanted) {
          onRead(from)
          return reader.frames(from, wanted)
        },
      }
    }
    this.delivery = new TrailDelivery({
      ...room,
      trails: this.trails,
      digestKeys: this.digestKeys,
      journals: { management: journal('management'), data: journal('data') },
      buckets: new TrailBuckets({ ...room, region: 'us-east-1' }, new Map()),
      regions: REGIONS,
      deliverySeconds: 300,
      digestSeconds: 3600,
      ...more,
    })
    return this.delivery
  }

  async trail(more: Partial<NewTrail> = {}): Promise<Trail> {
    const trail = await this.trails.create({
      name: 'trail',
      accountId: ACCOUNT,
      homeRegion: 'us-east-1',
      s3BucketName: 'bucket',
      includeGlobalServiceEvents: true,
      isMultiRegionTrail: false,
      logFileValidation: true,
      tags: [],
      ...more,
    })
    await this.trails.startLogging(trail)
    return trail
  }

  /** Writes events into a journal; resolves to their ids. */
  async events(count: number, more: object = {}, name: JournalName = 'management'): Promise<string[]> {
    const atMs = this.room.clock.nowMs()
    const ids = Array.from({ length: count }, () => `event ${this.#nextId++}`)
    const entries = ids.map((eventID) => {
      const record = {
        eventTime: `${new Date(atMs).toISOString().slice(0, 19)}Z`,
        eventSource: 'kms.amazonaws.com',
        eventName: 'Decrypt',
        awsRegion: 'us-east-1',
        readOnly: true,
        eventID,
        recipientAccountId: ACCOUNT,
        eventCategory: name === 'data' ? 'Data' : 'Management',
        ...more,
      }
      return { atMs, bytes: Buffer.concat([Buffer.from([0]), Buffer.from(JSON.stringify(record))]) }
    })
    await this.#writers[name].append(entries)
    return ids
  }

  /** Lets the time of a delivery come, and looks. */
  async deliver(seconds = 300) {
    this.room.clock.skip(seconds * 1000)
    return this.delivery.run()
  }

  async keys(bucket = 'bucket'): Promise<string[]> {
    const { entries } = await this.room.listing.objects(call, {
      bucket,
      prefix: '',
      delimiter: '',
      maxKeys: 1000,
      startAfter: '',
    })
    return entries.map(({ objectKey }) => objectKey)
  }

  async content(objectKey: string, bucket = 'bucket'): Promise<Buffer> {
    return gunzipSync(await read(this.room, getInput(objectKey, { bucket })))
  }

  /** The log files' event ids, file by file. */
  async logged(bucket = 'bucket'): Promise<string[][]> {
    const files: string[][] = []
    for (const key of await this.keys(bucket)) {
      if (!LOG_FILE.test(key)) continue
      const { Records } = JSON.parse((await this.content(key, bucket)).toString()) as { Records: { eventID: string }[] }
      files.push(Records.map(({ eventID }) => eventID))
    }
    return files
  }

  /** Sorted by their end; each is verified by its signature, its chain and its files. */
  async digests(region = 'us-east-1', bucket = 'bucket'): Promise<Digest[]> {
    const found: Digest[] = []
    let previous: { objectKey: string; hash: string; signature: string } | undefined
    for (const objectKey of await this.keys(bucket)) {
      if (!objectKey.includes(`/CloudTrail-Digest/${region}/`)) continue
      const content = await this.content(objectKey, bucket)
      const digest = JSON.parse(content.toString()) as Digest
      const { facts } = await this.room.objects.get(call, getInput(objectKey, { bucket }))
      const metadata = new Map(facts.userMetadata)
      const signature = metadata.get('signature')!
      const hash = sha256Hex(content)
      expect(metadata.get('signature-algorithm')).toBe('SHA256withRSA')
      const key = await this.digestKeys.find(region, digest.digestPublicKeyFingerprint)
      expect(isSignedBy(digest, hash, signature, key!.publicKey)).toBe(true)
      expect(digest.digestS3Object).toBe(objectKey)
      if (digest.previousDigestS3Object !== null) {
        expect(digest.previousDigestS3Object).toBe(previous!.objectKey)
        expect(digest.previousDigestHashValue).toBe(previous!.hash)
        expect(digest.previousDigestSignature).toBe(previous!.signature)
        expect(digest.digestStartTime).toBe(found.at(-1)!.digestEndTime)
      }
      for (const file of digest.logFiles) {
        expect(sha256Hex(await this.content(file.s3Object, file.s3Bucket))).toBe(file.hashValue)
      }
      previous = { objectKey, hash, signature }
      found.push(digest)
    }
    return found
  }

  status = async (trail: Trail) => (await this.trails.status(trail.trailId))!
}

const namedBy = (digests: readonly Digest[]) =>
  digests.flatMap(({ logFiles }) => logFiles.map(({ s3Object }) => s3Object))
/** All of them in one file or another, each once. */
const expectOnce = (files: string[][], ids: string[]) => expect(files.flat().sort()).toEqual([...ids].sort())

test('what a trail logs is delivered, once, and nothing else', async () => {
  const fixture = await Fixture.make()
  await fixture.events(3)
  const trail = await fixture.trail()
  const first = await fixture.events(3)
  await fixture.events(2, { recipientAccountId: '222222222222' })
  await fixture.events(2, { awsRegion: 'eu-west-1' })
  await fixture.events(2, {}, 'data')
  const global = await fixture.events(1, { eventSource: 'iam.amazonaws.com', awsRegion: 'us-east-1' })
  expect(await fixture.deliver(0)).toEqual([])
  expect(await fixture.logged()).toEqual([[...first, ...global]])
  const [key] = await fixture.keys()
  const { facts } = await fixture.room.objects.get(call, getInput(key!))
  expect(facts.headers).toMatchObject({ 'content-type': 'application/json', 'content-encoding': 'gzip' })
  expect(facts.protection.method).toBe('AES256')
  expect(await fixture.status(trail)).toMatchObject({
    deliveredAtMs: expect.any(Number),
    attemptedAtMs: expect.any(Number),
  })

  const second = await fixture.events(2)
  await fixture.deliver(200)
  expect(await fixture.logged()).toHaveLength(1)
  await fixture.deliver(101)
  await fixture.deliver()
  fixture.restarted()
  await fixture.deliver()
  expectOnce(await fixture.logged(), [...first, ...global, ...second])
  expect(await fixture.logged()).toHaveLength(2)
})

test('while logging is stopped nothing is logged, and what was logged before is still delivered', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail()
  const before = await fixture.events(2)
  await fixture.trails.stopLogging(trail)
  await fixture.events(2)
  await fixture.deliver()
  await fixture.deliver()
  expectOnce(await fixture.logged(), before)
  await fixture.events(2)
  await fixture.trails.startLogging(trail)
  const after = await fixture.events(2)
  fixture.restarted()
  await fixture.deliver()
  expectOnce(await fixture.logged(), [...before, ...after])
  expect(await fixture.status(trail)).toMatchObject({
    isLogging: true,
    startedAtMs: expect.any(Number),
    stoppedAtMs: expect.any(Number),
  })
})

test('a lot is delivered in several files', async () => {
  const fixture = await Fixture.make()
  await fixture.trail()
  const ids: string[] = []
  for (let i = 0; i < 25; i++) ids.push(...(await fixture.events(10)))
  fixture.restarted({ limits: { mostRecords: 100, mostBytes: 1e9 } })
  await fixture.deliver()
  expect((await fixture.logged()).map((file) => file.length).sort()).toEqual([100, 100, 50].sort())
  expectOnce(await fixture.logged(), ids)
  for (let i = 0; i < 5; i++) ids.push(...(await fixture.events(10)))
  fixture.restarted({ limits: { mostRecords: 1e9, mostBytes: 4000 } })
  await fixture.deliver()
  expectOnce(await fixture.logged(), ids)
  expect((await fixture.logged()).length).toBeGreaterThan(4)
})

test('records of any size stand in a file as they are', async () => {
  const fixture = await Fixture.make()
  await fixture.trail()
  const ids: string[] = []
  for (const size of [1, 64_000, 65_300, 65_536, 200_000, 3]) {
    ids.push(...(await fixture.events(2, { requestParameters: 'x'.repeat(size) })))
  }
  await fixture.deliver()
  expect(await fixture.logged()).toEqual([ids])
})

test('what is older than the logging is not read', async () => {
  const fixture = await Fixture.make()
  for (let i = 0; i < 10; i++) await fixture.events(30)
  fixture.room.clock.skip(1000)
  const trail = await fixture.trail()
  const ids = await fixture.events(30)
  await fixture.deliver()
  await fixture.trails.stopLogging(trail)
  await fixture.deliver()
  fixture.room.clock.skip(2 * 86_400_000)
  for (let i = 0; i < 10; i++) await fixture.events(30)
  fixture.room.clock.skip(1000)
  await fixture.trails.startLogging(trail)
  ids.push(...(await fixture.events(30)))
  const segments: number[] = []
  fixture.restarted({}, (from) => segments.push(from?.segment ?? 0))
  await fixture.deliver()
  expectOnce(await fixture.logged(), ids)
  expect(segments[0]).toBeGreaterThan(5)
})

test('selectors choose, and data events count from when they are wanted', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail()
  const object = { resources: [{ type: 'AWS::S3::Object', ARN: 'arn:aws:s3:::other/x' }], readOnly: false }
  await fixture.events(2, object, 'data')
  const reads = await fixture.events(1)
  await fixture.deliver()
  const DataResources = [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::other/'] }]
  const basic = [
    { ReadWriteType: 'WriteOnly', IncludeManagementEvents: true, DataResources, ExcludeManagementEventSources: [] },
  ] as const
  const nowMs = fixture.room.clock.nowMs()
  await fixture.trails.change(trail, (current) => ({ ...current, selectors: { basic }, dataEventsSinceMs: nowMs }))
  await fixture.events(1)
  await fixture.events(1, { ...object, readOnly: true }, 'data')
  const writes = await fixture.events(1, { readOnly: false })
  const objects = await fixture.events(2, object, 'data')
  await fixture.deliver()
  expect(await fixture.logged()).toEqual(expect.arrayContaining([reads, [...writes, ...objects]]))
  expectOnce(await fixture.logged(), [...reads, ...writes, ...objects])
})

test('a trail of all regions has files and digests in each', async () => {
  const fixture = await Fixture.make()
  await fixture.trail({ isMultiRegionTrail: true, s3KeyPrefix: undefined })
  const here = await fixture.events(1)
  const there = await fixture.events(1, { awsRegion: 'eu-west-1' })
  await fixture.deliver()
  const keys = await fixture.keys()
  expect(keys.map((key) => key.split('/')[3])).toEqual(['eu-west-1', 'us-east-1'])
  expectOnce(await fixture.logged(), [...here, ...there])
  await fixture.deliver(3600)
  for (const [region, i] of [
    ['eu-west-1', 0],
    ['us-east-1', 1],
  ] as const) {
    expect(namedBy(await fixture.digests(region))).toEqual([keys[i]])
  }
})

test('digests come every hour, also empty ones, and name every file once', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail()
  for (let hour = 0; hour < 4; hour++) {
    if (hour !== 2)
      for (let i = 0; i < 2; i++) {
        await fixture.events(1)
        await fixture.deliver()
      }
    await fixture.deliver(3600)
    fixture.restarted()
  }
  const digests = await fixture.digests()
  expect(digests.map(({ logFiles }) => logFiles.length)).toEqual([2, 2, 0, 2])
  expect(digests[0]).toMatchObject({ previousDigestSignature: null, previousDigestS3Object: null })
  expect(digests[2]).toMatchObject({ newestEventTime: null, oldestEventTime: null })
  expect(namedBy(digests).sort()).toEqual((await fixture.keys()).filter((key) => LOG_FILE.test(key)))
  expect(await fixture.status(trail)).toMatchObject({ digestDeliveredAtMs: expect.any(Number) })
})

test('a stopped trail has a last digest, and one that starts again has a new chain', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail()
  await fixture.deliver()
  await fixture.deliver(3600)
  await fixture.events(1)
  await fixture.trails.stopLogging(trail)
  await fixture.deliver()
  await fixture.deliver()
  expect((await fixture.digests()).map(({ logFiles }) => logFiles.length)).toEqual([0, 1])
  await fixture.deliver(7200)
  expect(await fixture.digests()).toHaveLength(2)
  await fixture.trails.startLogging(trail)
  await fixture.events(1)
  await fixture.deliver()
  await fixture.deliver(3600)
  const digests = await fixture.digests()
  expect(digests.map(({ logFiles }) => logFiles.length)).toEqual([0, 1, 1])
  expect(digests[2]).toMatchObject({ previousDigestS3Object: null })
})

test('without validation there is no digest, and later ones do not name what was delivered meanwhile', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail({ logFileValidation: false })
  await fixture.events(1)
  await fixture.deliver()
  await fixture.deliver(3600)
  expect(await fixture.digests()).toEqual([])
  const before = await fixture.keys()
  await fixture.trails.change(trail, (current) => ({ ...current, logFileValidation: true }))
  await fixture.deliver()
  await fixture.events(1)
  await fixture.deliver()
  await fixture.deliver(3600)
  const named = namedBy(await fixture.digests())
  expect(named).toHaveLength(1)
  expect(before).not.toContain(named[0])
})

test('a bucket that cannot be written to is told of, and gets all once it can', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail()
  await fixture.allow('bucket', false)
  const ids = await fixture.events(2)
  expect(await fixture.deliver()).toMatchObject([{ trailArn: trail.arn, error: { code: 'AccessDenied' } }])
  expect(await fixture.status(trail)).toMatchObject({
    deliveryError: 'AccessDenied',
    attemptedAtMs: expect.any(Number),
  })
  expect((await fixture.status(trail)).deliveredAtMs).toBeUndefined()
  ids.push(...(await fixture.events(2)))
  await fixture.deliver(3600)
  expect(await fixture.status(trail)).toMatchObject({ deliveryError: 'AccessDenied', digestError: 'AccessDenied' })
  await fixture.allow('bucket')
  expect(await fixture.deliver()).toEqual([])
  expectOnce(await fixture.logged(), ids)
  const status = await fixture.status(trail)
  expect(status.deliveryError).toBeUndefined()
  expect(status.digestError).toBeUndefined()
  await fixture.deliver(3600)
  expect(namedBy(await fixture.digests()).sort()).toEqual((await fixture.keys()).filter((key) => LOG_FILE.test(key)))
})

test('a bucket that is gone: what waited goes to the one that the trail has then', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail({ s3BucketName: 'gone' })
  const ids = await fixture.events(2)
  expect(await fixture.deliver()).toMatchObject([{ error: { code: 'BucketNotFound' } }])
  expect(await fixture.status(trail)).toMatchObject({ deliveryError: 'NoSuchBucket' })
  await fixture.trails.change(trail, (current) => ({ ...current, s3BucketName: 'bucket', s3KeyPrefix: 'p' }))
  await fixture.deliver()
  const [key] = await fixture.keys()
  expect(key).toMatch(/^p\/AWSLogs\//)
  expect(JSON.parse((await fixture.content(key!)).toString()).Records).toHaveLength(ids.length)
})

test('under a KMS key, where its policy lets CloudTrail use it', async () => {
  const fixture = await Fixture.make()
  const { room } = fixture
  const policy = (statements: object[]) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' },
        ...statements,
      ],
    })
  const key = await room.kms.keys.createKey(call, {
    description: '',
    tags: [],
    policy: policy([]),
    bypassesLockoutCheck: true,
  })
  const trail = await fixture.trail({ kmsKeyId: key.arn })
  await fixture.events(1)
  await fixture.deliver()
  expect(await fixture.status(trail)).toMatchObject({ deliveryError: 'AccessDenied' })
  const allowed = {
    Effect: 'Allow',
    Principal: { Service: 'cloudtrail.amazonaws.com' },
    Action: 'kms:GenerateDataKey*',
    Resource: '*',
    Condition: {
      StringEquals: { 'aws:SourceArn': trail.arn },
      StringLike: { 'kms:EncryptionContext:aws:cloudtrail:arn': `arn:aws:cloudtrail:*:${ACCOUNT}:trail/*` },
    },
  }
  await room.kms.keys.putPolicy(call, key.keyId, policy([allowed]), true)
  expect(await fixture.deliver()).toEqual([])
  await fixture.deliver(3600)
  for (const objectKey of await fixture.keys()) {
    const { facts } = await room.objects.get(call, getInput(objectKey))
    expect(facts.protection).toMatchObject({
      method: 'aws:kms',
      kmsKeyArn: key.arn,
      encryptionContext: { 'aws:cloudtrail:arn': trail.arn },
    })
  }
  expect(await fixture.keys()).toHaveLength(2)
})

test('a deleted trail delivers what it logged, and then is forgotten', async () => {
  const fixture = await Fixture.make()
  const trail = await fixture.trail()
  await fixture.deliver()
  const ids = await fixture.events(2)
  await fixture.trails.remove(trail)
  await fixture.events(2)
  const again = await fixture.trail()
  const more = await fixture.events(1)
  for (let i = 0; i < 4; i++) await fixture.deliver()
  expectOnce(await fixture.logged(), [...ids, ...more])
  expect(await fixture.trails.status(trail.trailId)).toBeUndefined()
  expect(await fixture.status(again)).toMatchObject({ isLogging: true })
})

/** One delivery of two files and a digest, cut off by the failure of a commit or of a put, then done by another process. */
async function interrupted(cutOff: (fixture: Fixture) => void) {
  const fixture = await Fixture.make()
  await fixture.trail({ isMultiRegionTrail: true })
  await fixture.deliver()
  const ids: string[] = []
  for (const awsRegion of REGIONS) for (let i = 0; i < 3; i++) ids.push(...(await fixture.events(4, { awsRegion })))
  cutOff(fixture)
  const ended = await fixture.deliver(3600).then(
    (problems) => problems.length === 0,
    () => false,
  )
  fixture.room.catalog.failAfter(undefined)
  ids.push(...(await fixture.events(1)))
  fixture.restarted()
  for (const seconds of [300, 300, 3600]) expect(await fixture.deliver(seconds)).toEqual([])
  expectOnce(await fixture.logged(), ids)
  for (const region of REGIONS) {
    const files = (await fixture.keys()).filter((key) => LOG_FILE.test(key) && key.includes(`/CloudTrail/${region}/`))
    expect(namedBy(await fixture.digests(region)).sort()).toEqual(files.sort())
  }
  return ended
}

test('a crash at any commit leaves no event out and delivers none twice', async () => {
  let commits = 0
  while (!(await interrupted(({ room }) => room.catalog.failAfter(commits)))) commits++
  expect(commits).toBeGreaterThan(10)
}, 120_000)

test.each(['before', 'after'])(
  'a crash %s any put leaves no event out and delivers none twice',
  async (when) => {
    for (let puts = 0; ; puts++) {
      let left = puts
      const isDone = await interrupted((fixture) => {
        const buckets = new TrailBuckets({ ...fixture.room, region: 'us-east-1' }, new Map())
        fixture.restarted({
          limits: { mostRecords: 8, mostBytes: 1e9 },
          buckets: {
            async put(...file) {
              if (when === 'after') await buckets.put(...file)
              if (left-- <= 0) throw new Error('the process has ended')
              if (when === 'before') await buckets.put(...file)
            },
          },
        })
      })
      if (!isDone) continue
      expect(puts).toBeGreaterThan(4)
      break
    }
  },
  120_000,
)
