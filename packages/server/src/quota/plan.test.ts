import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callsWith, callsWithout, monthsUntil, throttledAt, times, type Workload } from './plan.ts'

const RULES = { keptMs: 300_000, mostKept: 10_000 }
const HOUR_MS = 3_600_000
const workload = (more: Partial<Workload>): Workload => ({
  ...{ puts: 0, gets: 0, buckets: 1, requesters: 1, workers: 1, readAgeMs: HOUR_MS },
  ...more,
})

test('without bucket keys each PUT and each GET is a call', () => {
  expect(callsWithout(workload({ puts: 3000, gets: 8000 }))).toEqual({
    ...{ generateDataKey: 3000, decrypt: 8000, all: 11_000, atStart: 11_000 },
  })
})

describe('with bucket keys', () => {
  const WRITING: readonly (readonly [what: string, Partial<Workload>, calls: number])[] = [
    ['nothing', {}, 0],
    ['one place, always busy: one call in five minutes', { puts: 1_000_000 }, 1 / 300],
    ['one PUT an hour finds no key kept', { puts: 1 / 3600 }, 1 / 3900],
    ['one PUT in five minutes: every other', { puts: 1 / 300 }, 1 / 600],
    ['each requester has its own', { puts: 1_000_000, requesters: 10 }, 10 / 300],
    ['in each bucket', { puts: 1_000_000, requesters: 10, buckets: 4 }, 40 / 300],
    ['in each process', { puts: 1_000_000, requesters: 10, buckets: 4, workers: 2 }, 80 / 300],
    ['more than are kept: the rest misses', { puts: 1000, requesters: 20_000, buckets: 2 }, 750],
  ]
  test.each(WRITING)('GenerateDataKey: %s', (_, more, calls) => {
    expect(callsWith(workload(more), RULES).generateDataKey).toBeCloseTo(calls, calls < 1 ? 5 : 0)
  })

  const READING: readonly (readonly [what: string, Partial<Workload>, calls: number])[] = [
    ['of one bucket key', { gets: 1_000_000, keysRead: 1 }, 1 / 300],
    ['by ten requesters in two processes', { gets: 1e6, keysRead: 1, requesters: 10, workers: 2 }, 20 / 300],
    ['of what one busy writer wrote in an hour: twelve keys', { puts: 1e6, gets: 1e6 }, 12 / 300],
    ['of what was written just now, in four buckets', { puts: 1e6, gets: 1e6, buckets: 4, readAgeMs: 0 }, 4 / 300],
    ['of more keys than are kept', { gets: 8000, keysRead: 100_000 }, 7200],
    ['of what nobody knows of', { gets: 8000 }, 8000],
  ]
  test.each(READING)('Decrypt: %s', (_, more, calls) => {
    expect(callsWith(workload(more), RULES).decrypt).toBeCloseTo(calls, calls < 1 ? 4 : 0)
  })

  test('the second after a start needs each key that it comes to once', () => {
    const busy = { puts: 1e6, gets: 1e6, requesters: 10, keysRead: 5 }
    expect(callsWith(workload(busy), RULES).atStart).toBeCloseTo(60, 5)
    const sparse = { puts: 1, gets: 0, requesters: 1e6 }
    expect(callsWith(workload(sparse), RULES).atStart).toBeCloseTo(1, 5)
    expect(callsWith(workload({ gets: 7 }), RULES).atStart).toBe(7)
  })

  test('are never more calls than without, and never fewer by more load', () => {
    const count = fc.integer({ min: 1, max: 200 })
    const rate = fc.double({ min: 0, max: 50_000, noNaN: true })
    const any = fc.record({
      ...{ puts: rate, gets: rate, buckets: count, requesters: count, workers: count },
      readAgeMs: fc.integer({ min: 0, max: 48 * HOUR_MS }),
    })
    fc.assert(
      fc.property(any, fc.double({ min: 1, max: 100, noNaN: true }), (some, load) => {
        const [few, many] = [callsWith(some, RULES), callsWith(times(some, load), RULES)]
        const slack = 1e-6 + few.all * 1e-9
        expect(few.generateDataKey).toBeLessThanOrEqual(some.puts + slack)
        expect(few.decrypt).toBeLessThanOrEqual(some.gets + slack)
        expect(few.atStart).toBeLessThanOrEqual(some.puts + some.gets + slack)
        expect(many.all).toBeGreaterThanOrEqual(few.all - slack)
      }),
    )
  })
})

/** What the arithmetic says of a process that does draw its requests, with a clock. */
test.each([
  [2, 100],
  [0.05, 30],
  [40, 1000],
])('a drawn hour of %d requests a second over %d keys makes as many calls', (rate, keys) => {
  let seed = 7
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const until = new Map<number, number>()
  const HOURS = 100
  let calls = 0
  for (let at = 0; at < HOURS * 3600; at += -Math.log(random()) / rate) {
    const key = Math.floor(random() * keys)
    if ((until.get(key) ?? 0) > at) continue
    calls++
    until.set(key, at + 300)
  }
  const expected = callsWith(workload({ puts: rate, requesters: keys }), RULES).generateDataKey
  expect(calls / (HOURS * 3600) / expected).toBeGreaterThan(0.95)
  expect(calls / (HOURS * 3600) / expected).toBeLessThan(1.05)
})

test.each([
  ['at once', (load: number) => 20 * load, 10, 0.5],
  ['at the quota nothing is refused yet', (load: number) => 10 * load, 10, 1],
  ['at ten times', (load: number) => 3 * load, 30, 10],
  ['never, where calls do not grow', (load: number) => Math.min(load, 5), 10, Number.POSITIVE_INFINITY],
  ['never, without calls', () => 0, 10, Number.POSITIVE_INFINITY],
  ['never, without a limit', (load: number) => load, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ['always, where nothing is let through', (load: number) => load, 0, 0],
])('throttled %s', (_, callsAt, quota, load) => {
  expect(throttledAt(callsAt, quota)).toBeCloseTo(load, 6)
})

test.each([
  [0.5, 0.1, 0],
  [1, 0.1, 0],
  [1.21, 0.1, 2],
  [8, 1, 3],
  [2, 0, Number.POSITIVE_INFINITY],
  [Number.POSITIVE_INFINITY, 0.1, Number.POSITIVE_INFINITY],
])('%d times the load by a growth of %d a month: %d months', (load, growth, months) => {
  expect(monthsUntil(load, growth)).toBeCloseTo(months, 6)
})
