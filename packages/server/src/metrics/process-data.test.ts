import { expect, test } from 'vitest'
import { ProcessData } from './process-data.ts'
import { ProcessFacts } from './process-facts.ts'

test('what is so, and what has happened since the last call', () => {
  const facts = new ProcessFacts('worker-2')
  const cache = { hits: 5, misses: 1 }
  facts.watch({
    keyCaches: () => ({ 'kms-material': cache, 'bucket-key': { hits: 1, misses: 1 } }),
    connections: () => ({ http: 2, https: 3 }),
    disk: () => ({ freeBytes: 70, sizeBytes: 100 }),
  })
  const data = new ProcessData(facts)
  data.committed(0.25)
  data.committed(0.75)
  data.journalSynced(0.5)
  const startMs = Math.ceil(facts.startedAtMs)
  const [firstMs, secondMs] = [startMs + 10_000, startMs + 20_000]
  const of = (name: string, at: number, ...dimensions: { name: string; value: string }[]) => {
    const found = (at === firstMs ? first : second).filter(
      ({ metric }) => metric.name === name && JSON.stringify(metric.dimensions) === JSON.stringify(dimensions),
    )
    expect(found.every(({ metric, atMs }) => metric.namespace === 'Strongroom' && atMs === at)).toBe(true)
    return found.map(({ unit, data: values }) => [unit, values])
  }
  const worker = { name: 'Process', value: 'worker-2' }
  const first = data.drain(firstMs)
  cache.hits += 10
  const second = data.drain(secondMs)

  expect(of('CatalogCommitTime', firstMs, worker)).toEqual([
    ['Seconds', { sampleCount: 2, sum: 1, minimum: 0.25, maximum: 0.75 }],
  ])
  expect(of('CatalogCommitTime', secondMs, worker)).toEqual([])
  expect(of('JournalSyncTime', firstMs, worker)).toEqual([
    ['Seconds', { sampleCount: 1, sum: 0.5, minimum: 0.5, maximum: 0.5 }],
  ])
  expect(of('KeyCacheHits', firstMs, worker)).toEqual([['Count', { values: [6], counts: [1] }]])
  expect(of('KeyCacheHits', secondMs, worker)).toEqual([['Count', { values: [10], counts: [1] }]])
  expect(of('KeyCacheMisses', secondMs, worker)).toEqual([['Count', { values: [0], counts: [1] }]])
  expect(of('OpenConnections', firstMs, worker, { name: 'Transport', value: 'https' })).toEqual([
    ['Count', { values: [3], counts: [1] }],
  ])
  expect(of('DiskFree', firstMs)).toEqual([['Bytes', { values: [70], counts: [1] }]])
  for (const [name, unit] of [
    ['CPUUtilization', 'Percent'],
    ['ResidentMemory', 'Bytes'],
    ['EventLoopDelay', 'Seconds'],
  ] as const) {
    expect(of(name, firstMs, worker)).toEqual([[unit, { values: [expect.any(Number)], counts: [1] }]])
  }
})
