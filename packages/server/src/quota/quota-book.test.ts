import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { isFault } from '../core/fault.ts'
import { LeasedQuota } from './leased-quota.ts'
import { QuotaBook } from './quota-book.ts'
import { windowAt } from './request-window.ts'

const START = 1_700_000_000_000
const CALLER = { region: 'us-east-1', accountId: '111111111111' }
let nowMs: number
let limit: number
let book: QuotaBook
let asked: number
beforeEach(() => {
  nowMs = START
  limit = 50
  asked = 0
  book = new QuotaBook(async () => limit, clock)
})
const clock = { nowMs: () => nowMs }

/** A process; each question takes a turn of the event loop. */
const newProcess = () =>
  new LeasedQuota(async (...question) => {
    asked++
    await new Promise(setImmediate)
    return book.lease(...question)
  }, clock)

/** `calls` at once, spread over the processes: how many were counted. */
async function take(processes: readonly LeasedQuota[], calls: number, caller = CALLER): Promise<number> {
  const one = async (i: number) => processes[i % processes.length]!.take(caller, 'symmetric')
  const ended = await Promise.allSettled(Array.from({ length: calls }, (_, i) => one(i)))
  for (const end of ended) if (end.status === 'rejected') expect(isFault(end.reason, 'KmsThrottled')).toBe(true)
  return ended.filter(({ status }) => status === 'fulfilled').length
}

test('a second lets so many through and refuses the rest; the next one begins anew', async () => {
  const processes = [newProcess(), newProcess()]
  expect(await take(processes, 120)).toBe(50)
  nowMs += 999
  expect(await take(processes, 10)).toBe(0)
  nowMs += 1
  expect(await take(processes, 120)).toBe(50)
})

test('a small quota is exact: what one process does not need the other gets', async () => {
  const [busy, idle] = [newProcess(), newProcess()]
  expect(await take([idle], 1)).toBe(1)
  expect(await take([busy], 60)).toBe(49)
})

test('a process that has little to do holds little of a large one', async () => {
  limit = 10_000
  const [busy, idle] = [newProcess(), newProcess()]
  for (let second = 0; second < 3; second++) {
    expect(await take([idle], 10)).toBe(10)
    expect(await take([busy], 10_000)).toBeGreaterThanOrEqual(9_985)
    nowMs += 1000
  }
})

test('accounts, Regions and quotas do not share', async () => {
  const processes = [newProcess()]
  expect(await take(processes, 60)).toBe(50)
  expect(await take(processes, 60, { ...CALLER, accountId: '222222222222' })).toBe(50)
  expect(await take(processes, 60, { ...CALLER, region: 'eu-west-1' })).toBe(50)
  await expect(processes[0]!.take(CALLER, 'rsa')).resolves.toBe(nowMs)
})

test('a quota that changes holds from the next question on, and what was counted still counts', async () => {
  const processes = [newProcess()]
  expect(await take(processes, 30)).toBe(30)
  limit = 80
  expect(await take(processes, 80)).toBe(50)
  limit = 10
  nowMs += 1000
  expect(await take(processes, 80)).toBe(10)
})

test('a quota under one a second has one call in a longer window; raised, it holds at the next second', async () => {
  limit = 0.01
  const processes = [newProcess()]
  expect(await take(processes, 5)).toBe(1)
  nowMs += 1000
  expect(await take(processes, 5)).toBe(0)
  limit = 10
  expect(await take(processes, 5)).toBe(0)
  nowMs += 1000
  expect(await take(processes, 20)).toBe(9)
})

test('of a large quota a busy process asks for some to spare, and gets all of it in the end', async () => {
  limit = 10_000
  const processes = [newProcess()]
  for (let i = 0; i < 10_000; i++) await processes[0]!.take(CALLER, 'symmetric')
  nowMs += 1000
  asked = 0
  for (let i = 0; i < 10_000; i++) await processes[0]!.take(CALLER, 'symmetric')
  expect(asked).toBeLessThanOrEqual(25)
  await expect(async () => processes[0]!.take(CALLER, 'symmetric')).rejects.toThrow('KmsThrottled')
})

test('a spent second refuses without a question', async () => {
  const processes = [newProcess()]
  await take(processes, 51)
  const before = asked
  expect(await take(processes, 100)).toBe(0)
  expect(asked).toBe(before)
})

test('a lease that comes after its window counts for nothing', async () => {
  let late = true
  const process = new LeasedQuota(async (...question) => {
    const lease = await book.lease(...question)
    if (late) nowMs += 1000
    late = false
    return lease
  }, clock)
  await expect(process.take(CALLER, 'symmetric')).resolves.toBe(START + 1000)
  expect(await take([process], 100)).toBe(49)
})

test('a clock that is set back begins a window of its own', async () => {
  const processes = [newProcess()]
  await take(processes, 60)
  nowMs -= 5000
  expect(await take(processes, 60)).toBe(50)
})

test('without a limit a second is asked for once', async () => {
  limit = Number.POSITIVE_INFINITY
  const processes = [newProcess()]
  for (let i = 0; i < 3; i++) expect(await take(processes, 1000)).toBe(1000)
  expect(asked).toBeLessThanOrEqual(2)
})

test('whoever waits learns that the quota could not be read', async () => {
  const process = new LeasedQuota(async () => {
    throw new Error('no quota')
  }, clock)
  await expect(process.take(CALLER, 'symmetric')).rejects.toThrow('no quota')
  await expect(process.take(CALLER, 'symmetric')).rejects.toThrow('no quota')
})

test.each([
  [0, 1000, 0],
  [0.5, 2000, 1],
  [0.1, 10_000, 1],
  [1, 1000, 1],
  [2.5, 1000, 2],
  [50, 1000, 50],
])('%d a second: a window of %d ms with %d calls', (perSecond, lengthMs, calls) => {
  const window = windowAt(START + 345, perSecond)
  expect(window.untilMs - window.fromMs).toBe(lengthMs)
  expect(window.calls).toBe(calls)
  expect(START + 345).toBeGreaterThanOrEqual(window.fromMs)
  expect(START + 345).toBeLessThan(window.untilMs)
})

test('no second counts more than its quota, whatever comes when and where; the book learns of all', async () => {
  const bursts = fc.array(
    fc.record({ waitMs: fc.integer({ min: 0, max: 1500 }), calls: fc.integer({ min: 0, max: 90 }) }),
    { maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(bursts, fc.integer({ min: 0, max: 2000 }), async (all, quota) => {
      limit = quota
      nowMs = START
      book = new QuotaBook(async () => limit, clock)
      const processes = [newProcess(), newProcess(), newProcess()]
      const bySecond = new Map<number, number>()
      for (const { waitMs, calls } of all) {
        nowMs += waitMs
        const second = Math.floor(nowMs / 1000)
        bySecond.set(second, (bySecond.get(second) ?? 0) + (await take(processes, calls)))
      }
      for (const counted of bySecond.values()) expect(counted).toBeLessThanOrEqual(quota)
      for (const process of processes) book.absorb(process.drain())
      const [usage] = book.usage(CALLER.region, CALLER.accountId)
      const total = [...bySecond.values()].reduce((sum, counted) => sum + counted, 0)
      expect(usage?.minutes.reduce((sum, { counted }) => sum + counted, 0) ?? 0).toBe(total)
      expect(Math.max(0, ...(usage?.minutes ?? []).map(({ busiestSecond }) => busiestSecond))).toBe(
        Math.max(0, ...bySecond.values()),
      )
    }),
    { numRuns: 60 },
  )
})
