import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Distribution } from './distribution.ts'

const of = (values: readonly number[]) => {
  const distribution = new Distribution()
  for (const value of values) distribution.add(value, 1)
  return distribution
}

/** The value at the rank that `percentile` promises. */
const exact = (values: readonly number[], percent: number) => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length * (1 - 1e-12)) - 1)]!
}

const anyValue = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
  fc.double({ min: -1e9, max: -1e-6, noNaN: true }),
  fc.constant(0),
)

describe('a distribution', () => {
  test('tells any percentile within 1 %, of positive values, negative ones and zero', () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.array(anyValue, { minLength: 1, maxLength: 300 }), percent, (values, p) => {
        const wanted = exact(values, p)
        expect(Math.abs(of(values).percentile(p)! - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 0.01 * (1 + 1e-9))
      }),
    )
  })

  test('is the same however the values were split', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyValue, fc.nat(3))), (values) => {
        const parts = [0, 1, 2, 3].map((part) => of(values.filter(([, of]) => of === part).map(([value]) => value)))
        const merged = new Distribution()
        for (const part of parts) merged.merge(part)
        expect(merged.buckets).toEqual(of(values.map(([value]) => value)).buckets)
      }),
    )
  })

  test('keeps no more than 2,048 buckets of a sign, the same ones in whatever parts the values come', () => {
    const values = Array.from({ length: 6000 }, (_, i) => 1.03 ** (i % 3000) * (i < 3000 ? 1e-20 : -1e-20))
    const whole = of(values)
    const merged = new Distribution()
    for (let from = 0; from < values.length; from += 700) merged.merge(of(values.slice(from, from + 700).reverse()))
    for (const one of [whole, merged]) {
      expect(one.buckets.filter(([key]) => key > 0)).toHaveLength(2048)
      expect(one.buckets.filter(([key]) => key < 0)).toHaveLength(2048)
      expect(one.count).toBe(6000)
    }
    expect(merged.buckets).toEqual(whole.buckets)
    // The large ones, which percentiles are about, are as exact as ever.
    const p99 = exact(values, 99)
    expect(Math.abs(whole.percentile(99)! - p99)).toBeLessThanOrEqual(p99 * 0.01)
  })

  test('has no percentile without values', () => {
    expect(new Distribution().percentile(50)).toBeUndefined()
  })

  test('counts above the lower bound and up to the upper one', () => {
    const hundred = of(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(hundred.between({ value: 10 }, { value: 20 }).count).toBe(10)
    expect(hundred.between(undefined, { value: 20 }).count).toBe(20)
    expect(hundred.between({ percent: 10 }, { percent: 90 }).count).toBeCloseTo(80, 9)
    expect(hundred.between({ percent: 25 }, { percent: 75 }).sum / 50).toBeCloseTo(50.5, 0)
    expect(hundred.between(undefined, undefined).count).toBe(100)
    expect(hundred.between({ value: 60 }, { value: 40 }).count).toBe(0)
  })

  test('a percentage takes part of the bucket it cuts', () => {
    expect(of([7, 7, 7, 7]).between(undefined, { percent: 50 }).count).toBe(2)
  })
})
