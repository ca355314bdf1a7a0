import { expect, test } from 'vitest'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { type Trail, trailNames, trailStatusRecord } from './trail-records.ts'
import { type NewTrail, Trails } from './trails.ts'

const ACCOUNT = '111111111111'
function room() {
  const clock = { now: 1_000_000, nowMs: () => clock.now++ }
  const records = new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32).fill(2)).derive('records'))
  return { clock, records, trails: new Trails(records, clock) }
}
const named = (name: string, more: Partial<NewTrail> = {}): NewTrail => ({
  name,
  accountId: ACCOUNT,
  homeRegion: 'us-east-1',
  s3BucketName: 'bucket',
  includeGlobalServiceEvents: true,
  isMultiRegionTrail: false,
  logFileValidation: true,
  tags: [],
  ...more,
})
const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => error.detail.refusal as string,
  )
const all = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}
const here = { accountId: ACCOUNT, region: 'us-east-1' }

test('of several that make a trail of one name at once, one makes it', async () => {
  const { trails } = room()
  const made = await Promise.all([1, 2, 3].map(() => refusalOf(trails.create(named('abc')))))
  expect(made.sort()).toEqual(['TrailAlreadyExists', 'TrailAlreadyExists', undefined])
})

test('an account has five trails in a region, and others have theirs', async () => {
  const { trails } = room()
  for (let i = 0; i < 5; i++) await trails.create(named(`trail-${i}`))
  expect(await refusalOf(trails.create(named('trail-5')))).toBe('MaximumNumberOfTrailsExceeded')
  expect(await refusalOf(trails.create(named('trail-4')))).toBe('TrailAlreadyExists')
  await trails.create(named('trail-5', { homeRegion: 'us-east-2' }))
  await trails.create(named('trail-5', { accountId: '222222222222' }))
  expect(await all(trails.ofAccount(ACCOUNT))).toHaveLength(6)
})

test('a trail is found by its name in its region, by its ARN anywhere, and by neither in another account', async () => {
  const { trails } = room()
  const one = await trails.create(named('abc'))
  expect(await trails.find('abc', here)).toEqual(one)
  expect(await trails.find(one.arn, { ...here, region: 'eu-west-1' })).toEqual(one)
  expect(await refusalOf(trails.find('abc', { ...here, region: 'eu-west-1' }))).toBe('TrailNotFound')
  for (const text of ['abc', one.arn]) {
    expect(await refusalOf(trails.find(text, { ...here, accountId: '222222222222' }))).toBe('TrailNotFound')
  }
  await trails.change(one, (current) => ({ ...current, isMultiRegionTrail: true }))
  expect((await trails.find('abc', { ...here, region: 'eu-west-1' })).trailId).toBe(one.trailId)
  expect(await refusalOf(trails.findAtHome('abc', { ...here, region: 'eu-west-1' }))).toBe('InvalidHomeRegion')
})

test('changes of one trail at once all count', async () => {
  const { trails } = room()
  const one = await trails.create(named('abc'))
  await Promise.all(
    [1, 2, 3, 4].map((i) =>
      trails.change(one, (current) => ({ ...current, tags: [...current.tags, { Key: `${i}`, Value: '' }] })),
    ),
  )
  expect((await trails.find('abc', here)).tags).toHaveLength(4)
})

test('a trail made anew is another: what is done to the old one does not touch it', async () => {
  const { trails } = room()
  const old = await trails.create(named('abc'))
  await trails.remove(old)
  const anew = await trails.create(named('abc'))
  expect(await refusalOf(trails.remove(old))).toBe('TrailNotFound')
  expect(await refusalOf(trails.change(old, (current) => ({ ...current, tags: [] })))).toBe('TrailNotFound')
  expect(await trails.find('abc', here)).toEqual(anew)
  const ofOld = (await trails.status(old.trailId))!
  expect(await trails.ofStatus(ofOld)).toEqual(old)
  await trails.forget(ofOld)
  expect(await trails.status(old.trailId)).toBeUndefined()
})

test('spans of logging: begun once, ended once, and forgotten when nothing of them can come any more', async () => {
  const { trails, clock } = room()
  const one: Trail = await trails.create(named('abc'))
  const spans = async () => (await trails.status(one.trailId))!.spans
  await trails.startLogging(one, 100)
  await trails.startLogging(one, 200)
  expect(await spans()).toEqual([{ fromMs: 100 }])
  clock.now = 300
  await trails.stopLogging(one)
  await trails.stopLogging(one)
  expect(await spans()).toEqual([{ fromMs: 100, toMs: 300 }])
  await trails.startLogging(one, 400)
  expect(await spans()).toEqual([{ fromMs: 100, toMs: 300 }, { fromMs: 400 }])
  clock.now = 500
  await trails.stopLogging(one)
  await trails.startLogging(one, 2 * 86_400_000)
  expect(await spans()).toEqual([{ fromMs: 2 * 86_400_000 }])
})

test("every status is gone through, whatever its trail's id", async () => {
  const { trails, records } = room()
  const { trailId } = await trails.create(named('abc'))
  const status = (await trails.status(trailId))!
  for (const id of ['00'.repeat(16), 'ff'.repeat(16)]) {
    await records.commit([], [records.put(trailStatusRecord, trailNames.status(id), { ...status, trailId: id })])
  }
  expect((await all(trails.statuses())).map((one) => one.trailId)).toEqual(
    ['00'.repeat(16), trailId, 'ff'.repeat(16)].sort(),
  )
})
