import { expect, test } from 'vitest'
import { CryptoWork } from './crypto-work.ts'

test('all bytes count; the time of one turn in seventeen is taken, of each of two kinds that take turns', () => {
  const work = new CryptoWork()
  const counts = work.of('seal', 'AES256')
  const sampled: number[] = []
  for (let turn = 0; turn < 170; turn++) {
    const before = counts.sampledBytes
    counts.end(counts.begin(), turn % 2 === 0 ? 10 : 1)
    sampled.push(counts.sampledBytes - before)
  }
  expect(counts.bytes).toBe(85 * 10 + 85)
  expect(sampled.filter((bytes) => bytes === 10)).toHaveLength(5)
  expect(sampled.filter((bytes) => bytes === 1)).toHaveLength(5)
  expect(counts.sampledSeconds).toBeGreaterThan(0)
  expect(work.of('seal', 'AES256')).toBe(counts)
  expect(work.of('open', 'AES256').bytes).toBe(0)
  expect(work.all().map((one) => `${one.work} ${one.method}`)).toEqual(['seal AES256', 'open AES256'])
})
