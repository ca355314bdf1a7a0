import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import type { Datum, MetricIdentity, Period } from './metric-data.ts'
import { SeriesStore, type SeriesStoreOptions, type Shortage } from './series-store.ts'

const scope = { accountId: '111111111111', region: 'us-east-1' }
const metric: MetricIdentity = { namespace: 'App', name: 'Latency', dimensions: [{ name: 'Host', value: 'a' }] }
const named = (name: string): MetricIdentity => ({ ...metric, name })
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** The beginning of a block of each step. */
const T0 = Date.UTC(2026, 0, 1) - (Date.UTC(2026, 0, 1) % (60 * HOUR))

const start = (options: Partial<SeriesStoreOptions> = {}, catalog = new MemoryCatalog()) => {
  const clock = { now: T0, nowMs: () => clock.now }
  return { clock, catalog, store: new SeriesStore({ catalog, clock, ...options }) }
}
const values = (atMs: number, ...all: number[]): Datum => ({
  ...{ metric, atMs, unit: 'None' },
  data: { values: all, counts: all.map(() => 1) },
})
const all = { metric, startMs: 0, endMs: T0 + 10 * 365 * DAY, periodSeconds: 86_400 }
const figures = ({ fromMs, unit, sampleCount, sum, minimum, maximum, distribution }: Period) => ({
  ...{ fromMs, unit, sampleCount, sum, minimum, maximum },
  buckets: distribution?.buckets,
})

describe('the metric store', () => {
  test('gives back periods, ascending, without empty ones, from the start on and before the end', async () => {
    const { store, clock } = start()
    clock.now = T0 + HOUR
    await store.put(scope, [
      values(T0 + 61_000, 5),
      values(T0, 1, 2, 3),
      values(T0 + 59_999, 4),
      values(T0 + 300_000, 9),
    ])
    const read = await store.read(scope, { metric, startMs: T0, endMs: T0 + 300_000, periodSeconds: 60 })
    expect(read.map(figures)).toMatchObject([
      { fromMs: T0, unit: 'None', sampleCount: 4, sum: 10, minimum: 1, maximum: 4 },
      { fromMs: T0 + MINUTE, sampleCount: 1, sum: 5 },
    ])
    expect(read[0]!.percentile(0)).toBe(1)
    expect(read[0]!.percentile(50)).toBeCloseTo(2, 1)
    expect(read[0]!.percentile(100)).toBe(4)
  })

  test('periods begin at the start asked for, rounded down to the minute', async () => {
    const { store, clock } = start()
    clock.now = T0 + HOUR
    await store.put(scope, [values(T0 + 3 * MINUTE, 1), values(T0 + 8 * MINUTE, 2)])
    const read = await store.read(scope, {
      metric,
      startMs: T0 + 3 * MINUTE + 20_000,
      endMs: T0 + HOUR,
      periodSeconds: 300,
    })
    expect(read.map(({ fromMs, sum }) => [fromMs - T0, sum])).toEqual([
      [3 * MINUTE, 1],
      [8 * MINUTE, 2],
    ])
  })

  test('scopes and identities are kept apart', async () => {
    const { store } = start()
    await store.put(scope, [values(T0, 1)])
    for (const [who, what] of [
      [{ ...scope, accountId: '222222222222' }, metric],
      [{ ...scope, region: 'eu-west-1' }, metric],
      [scope, named('Other')],
      [scope, { ...metric, dimensions: [] }],
    ] as const)
      expect(await store.read(who, { ...all, metric: what })).toEqual([])
    expect(await store.read(scope, all)).toHaveLength(1)
  })

  test('units are kept apart, and one of them may be asked for', async () => {
    const { store } = start()
    await store.put(scope, [
      { ...values(T0, 1), unit: 'Seconds' },
      { ...values(T0, 2), unit: 'Count' },
    ])
    expect((await store.read(scope, all)).map(({ unit, sum }) => [unit, sum]).sort()).toEqual([
      ['Count', 2],
      ['Seconds', 1],
    ])
    expect((await store.read(scope, { ...all, unit: 'Count' })).map(({ sum }) => sum)).toEqual([2])
    expect(await store.read(scope, { ...all, unit: 'Bytes' })).toEqual([])
  })

  test('statistic sets have no percentiles, but where they are of one value', async () => {
    const check = async (sets: Datum['data'][], p50: number | undefined) => {
      const { store } = start()
      await store.put(
        scope,
        sets.map((data) => ({ ...values(T0), data })),
      )
      const [period] = await store.read(scope, all)
      const read = period!.percentile(50)
      if (p50 === undefined) expect(read).toBeUndefined()
      else expect(Math.abs(read! - p50)).toBeLessThanOrEqual(p50 * 0.01)
    }
    const spread = { sampleCount: 3, sum: 6, minimum: 1, maximum: 3 }
    await check([spread], undefined)
    await check([{ sampleCount: 3, sum: 6, minimum: 2, maximum: 2 }], 2)
    await check(
      [
        { sampleCount: 1, sum: 2, minimum: 2, maximum: 2 },
        { values: [4], counts: [5] },
      ],
      4,
    )
    await check([{ values: [4], counts: [5] }, spread], undefined)
  })

  test('high resolution is read by the second, all else by the minute', async () => {
    const { store, clock } = start()
    clock.now = T0 + MINUTE
    await store.put(
      scope,
      [10, 11, 15].map((second) => ({ ...values(T0 + second * SECOND, second), highResolution: true })),
    )
    await store.put(scope, [values(T0 + 12 * SECOND, 100)])
    const read = async (periodSeconds: number) =>
      (await store.read(scope, { metric, startMs: T0, endMs: T0 + MINUTE, periodSeconds })).map(({ fromMs, sum }) => [
        (fromMs - T0) / 1000,
        sum,
      ])
    expect(await read(1)).toEqual([
      [10, 10],
      [11, 11],
      [15, 15],
    ])
    expect(await read(5)).toEqual([
      [10, 21],
      [15, 15],
    ])
    expect(await read(60)).toEqual([[0, 136]])
  })

  test('any split of the data over puts, processes and roll-ups reads the same', async () => {
    const datum = fc.record({
      atMs: fc.integer({ min: T0 - 14 * DAY, max: T0 }),
      value: fc.integer({ min: -1000, max: 1000 }),
      part: fc.nat(3),
      highResolution: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(datum, { maxLength: 40 }), async (list) => {
        const toDatum = ({ atMs, value, highResolution }: (typeof list)[number]) => ({
          ...values(atMs, value),
          highResolution,
        })
        const whole = start()
        await whole.store.put(scope, list.map(toDatum))
        const first = start()
        const second = new SeriesStore({ catalog: first.catalog, clock: first.clock })
        for (const part of [0, 1, 2, 3])
          await (part % 2 ? second : first.store).put(scope, list.filter((one) => one.part === part).map(toDatum))
        const expected = (await whole.store.read(scope, all)).map(figures)
        expect((await first.store.read(scope, all)).map(figures)).toEqual(expected)
        first.clock.now = T0 + 16 * DAY
        await second.rollUp()
        // Rolled up to five minutes, in days still the same.
        expect((await first.store.read(scope, all)).map(figures)).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })

  test('processes that put at the same moment lose nothing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'metrics-'))
    const catalogs = await Promise.all([LmdbCatalog.open(dir), LmdbCatalog.open(dir)])
    try {
      const clock = { nowMs: () => T0 }
      const stores = catalogs.map((catalog) => new SeriesStore({ catalog, clock }))
      await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          stores[i % 2]!.put(scope, [values(T0, 1), { ...values(T0, i), metric: named(`m${i % 7}`) }]),
        ),
      )
      expect((await stores[0]!.read(scope, all))[0]).toMatchObject({ sampleCount: 60, sum: 60 })
      expect((await stores[1]!.list(scope, {}, { limit: 100 })).metrics).toHaveLength(8)
    } finally {
      await Promise.all(catalogs.map((catalog) => catalog.close()))
      await rm(dir, { recursive: true, force: true })
    }
  })
})

describe('retention', () => {
  const DATA = [0, 7, 61, 3599, 3600, 90_000].map((second) => ({
    ...values(T0 + second * SECOND, second + 1),
    highResolution: true,
  }))
  const TOTAL = DATA.reduce((sum, { data }) => sum + ('values' in data ? data.values[0]! : 0), 0)

  test('goes from seconds to minutes, five minutes and hours, keeps sums, and ends', async () => {
    const { store, clock } = start()
    clock.now = T0 + 90_000 * SECOND
    await store.put(scope, DATA)
    const end = { ...all, startMs: T0, endMs: T0 + 2 * DAY }
    const points = async (periodSeconds: number) => (await store.read(scope, { ...end, periodSeconds })).length
    const total = async (periodSeconds = 3600) =>
      (await store.read(scope, { ...end, periodSeconds })).reduce((sum, period) => sum + period.sum, 0)
    // Older than three hours when they came: kept by the minute at once.
    expect([await points(1), await points(60), await points(300), await points(3600)]).toEqual([1, 5, 4, 3])
    const later = async (afterMs: number) => {
      clock.now = T0 + 2 * DAY + afterMs
      await store.rollUp()
      return [await points(1), await points(60), await points(300), await points(3600)]
    }
    expect(await later(4 * HOUR)).toEqual([0, 5, 4, 3])
    expect(await later(16 * DAY)).toEqual([0, 0, 4, 3])
    expect(await total(300)).toBe(TOTAL)
    expect(await later(64 * DAY)).toEqual([0, 0, 0, 3])
    expect(await total()).toBe(TOTAL)
    expect(await later(450 * DAY)).toEqual([0, 0, 0, 3])
    expect(await total()).toBe(TOTAL)
    expect(await later(460 * DAY)).toEqual([0, 0, 0, 0])
    expect(await total()).toBe(0)
  })

  test('at the end nothing stands in the catalog but counts', async () => {
    const { store, clock, catalog } = start()
    clock.now = T0 + 90_000 * SECOND
    await store.put(scope, DATA)
    clock.now = T0 + 470 * DAY
    await store.rollUp()
    const left = await catalog.range({ gte: Buffer.from([0]), lt: Buffer.from([255]), limit: 100 })
    expect(left.map(({ key }) => Buffer.from(key).toString('latin1')[0])).toEqual(['n', 't'])
    expect(Buffer.from(left[0]!.value).readUInt32BE()).toBe(0)
    expect(Buffer.from(left[1]!.value).readDoubleBE()).toBe(0)
  })

  test('what comes late goes where its age belongs, beside what was rolled up', async () => {
    const { store, clock } = start()
    await store.put(scope, [values(T0, 1)])
    clock.now = T0 + 15 * DAY + HOUR
    await store.rollUp()
    await store.put(scope, [values(T0 + 1000, 2)])
    expect((await store.read(scope, { ...all, startMs: T0, periodSeconds: 300 })).map(({ sum }) => sum)).toEqual([3])
  })
})

describe('bounds', () => {
  test('a new metric past the limit is refused, whole puts of it too; known ones go on', async () => {
    const { store } = start({ maxSeries: 3 })
    await store.put(
      scope,
      ['a', 'b', 'c'].map((name) => ({ ...values(T0, 1), metric: named(name) })),
    )
    const refused = store.put(scope, [
      { ...values(T0, 1), metric: named('a') },
      { ...values(T0, 1), metric: named('d') },
    ])
    await expect(refused).rejects.toMatchObject({ code: 'MetricLimitReached', detail: { maxMetrics: 3 } })
    await store.put(scope, [{ ...values(T0, 1), metric: named('a') }])
    expect((await store.read(scope, { ...all, metric: named('a') }))[0]!.sum).toBe(2)
    expect((await store.list(scope, {}, { limit: 10 })).metrics.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  test('the limit holds over processes', async () => {
    const { store, catalog, clock } = start({ maxSeries: 10 })
    const other = new SeriesStore({ catalog, clock, maxSeries: 10 })
    const puts = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? store : other).put(scope, [{ ...values(T0, 1), metric: named(`m${i}`) }]),
    )
    const ends = await Promise.allSettled(puts)
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    expect((await store.list(scope, {}, { limit: 100 })).metrics).toHaveLength(10)
  })

  test('past the bound in bytes the oldest of the finest step is rolled up first, and it is told', async () => {
    const shortages: Shortage[] = []
    const { store, clock } = start({ maxBytes: 20_000, onShortage: (shortage) => shortages.push(shortage) })
    clock.now = T0 + 3 * DAY
    const put = async (from: number, to: number) => {
      for (let minute = from; minute < to; minute += 10)
        await store.put(
          scope,
          Array.from({ length: 10 }, (_, i) => values(T0 + (minute + i) * MINUTE, minute + 0.1, minute + i + 0.2)),
        )
    }
    await put(0, 600)
    await store.rollUp()
    expect(shortages).toEqual([expect.objectContaining({ stepSeconds: 60, maxBytes: 20_000 })])
    expect(shortages[0]!.usedBytes).toBeLessThanOrEqual(18_000)
    const sum = async () =>
      (await store.read(scope, { ...all, startMs: T0 })).reduce((total, one) => total + one.sampleCount, 0)
    expect(await sum()).toBe(1200)
    // Far past it, the oldest is lost; the newest stays.
    const {
      store: small,
      clock: time,
      catalog,
    } = start({ maxBytes: 3000, onShortage: (shortage) => shortages.push(shortage) })
    time.now = T0 + 300 * DAY
    const days = Array.from({ length: 200 }, (_, day) => values(T0 + day * DAY, 1, 2.5))
    await small.put(scope, days)
    await small.rollUp()
    const left = await new SeriesStore({ catalog, clock: time }).read(scope, { ...all, startMs: T0 })
    expect(left.length).toBeLessThan(200)
    expect(left.at(-1)!.fromMs).toBe(T0 + 199 * DAY)
    expect(shortages.at(-1)).toMatchObject({ stepSeconds: 3600 })
  })
})

describe('listing', () => {
  const listed = async (store: SeriesStore, filter: Parameters<SeriesStore['list']>[1]) =>
    (await store.list(scope, filter, { limit: 100 })).metrics.map(({ namespace, name }) => `${namespace} ${name}`)

  test('filters by namespace, name and dimensions, with or without values', async () => {
    const { store } = start()
    const make = (namespace: string, name: string, ...dimensions: { name: string; value: string }[]) => ({
      ...values(T0, 1),
      metric: { namespace, name, dimensions },
    })
    await store.put(scope, [
      make('A', 'x', { name: 'D', value: '1' }, { name: 'E', value: '2' }),
      make('A', 'xy', { name: 'D', value: '2' }),
      make('AB', 'x'),
    ])
    await store.put({ ...scope, accountId: '222222222222' }, [make('A', 'x')])
    const cases: [Parameters<SeriesStore['list']>[1], string[]][] = [
      [{}, ['A x', 'A xy', 'AB x']],
      [{ namespace: 'A' }, ['A x', 'A xy']],
      [{ namespace: 'A', name: 'x' }, ['A x']],
      [{ name: 'x' }, ['A x', 'AB x']],
      [{ dimensions: [{ name: 'D' }] }, ['A x', 'A xy']],
      [{ dimensions: [{ name: 'D', value: '2' }] }, ['A xy']],
      [{ dimensions: [{ name: 'D', value: '1' }, { name: 'E' }] }, ['A x']],
      [{ namespace: 'C' }, []],
    ]
    for (const [filter, names] of cases) expect(await listed(store, filter), JSON.stringify(filter)).toEqual(names)
  })

  test('names that begin alike for longer than a key is are kept apart', async () => {
    const { store } = start()
    const long = 'ü'.repeat(255)
    await store.put(
      scope,
      [`${long.slice(1)}a`, `${long.slice(1)}b`].map((name) => ({ ...values(T0, 1), metric: named(name) })),
    )
    expect(await listed(store, { namespace: 'App', name: `${long.slice(1)}b` })).toEqual([`App ${long.slice(1)}b`])
  })

  test('pages go on where the last one ended', async () => {
    const { store } = start()
    const names = Array.from({ length: 25 }, (_, i) => `m${String(i).padStart(2, '0')}`)
    await store.put(
      scope,
      names.map((name) => ({ ...values(T0, 1), metric: named(name) })),
    )
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await store.list(scope, { namespace: 'App' }, { after, limit: 10 })
      seen.push(...page.metrics.map(({ name }) => name))
      after = page.next
    } while (after !== undefined)
    expect(seen).toEqual(names)
    // A place that is not of this scope shows nothing of another.
    const foreign = await store.list(
      { ...scope, accountId: '0' },
      {},
      { after: Buffer.from('s').toString('base64url'), limit: 10 },
    )
    expect(foreign).toEqual({ metrics: [] })
  })

  test('shows what had data within two weeks, or within the time asked for', async () => {
    const { store, clock } = start()
    await store.put(scope, [{ ...values(T0, 1), metric: named('old') }])
    clock.now = T0 + 13 * DAY
    await store.put(scope, [{ ...values(T0, 1), metric: named('new') }])
    expect(await listed(store, {})).toEqual(['App new', 'App old'])
    expect(await listed(store, { recentlyActiveMs: 3 * HOUR })).toEqual(['App new'])
    clock.now = T0 + 15 * DAY
    expect(await listed(store, {})).toEqual(['App new'])
    await store.put(scope, [{ ...values(T0, 1), metric: named('old') }])
    expect(await listed(store, {})).toEqual(['App new', 'App old'])
  })
})
