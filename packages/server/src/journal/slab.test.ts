import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Slab } from './slab.ts'

test('copies stay as they are until they are given back, in whatever order', () => {
  const action = fc.record({ size: fc.integer({ min: 1, max: 600_000 }), fill: fc.nat({ max: 255 }), back: fc.nat() })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const slab = new Slab()
      const held: { copy: Uint8Array; fill: number }[] = []
      for (const { size, fill, back } of actions) {
        held.push({ copy: slab.copy(new Uint8Array(size).fill(fill)), fill })
        if (back % 2 === 0) slab.giveBack(held.splice(back % held.length, 1)[0]!.copy)
        for (const one of held) expect([one.copy[0], one.copy.at(-1)]).toEqual([one.fill, one.fill])
      }
    }),
    { numRuns: 50 },
  )
})

test('memory is used again', () => {
  const slab = new Slab()
  const buffers = new Set<ArrayBufferLike>()
  for (let i = 0; i < 100; i++) {
    const copies = Array.from({ length: 20 }, () => slab.copy(new Uint8Array(90_000)))
    for (const copy of copies) {
      buffers.add(copy.buffer)
      slab.giveBack(copy)
    }
  }
  expect(buffers.size).toBeLessThanOrEqual(3)
})

test('what is larger than a block is a copy of its own', () => {
  const slab = new Slab()
  const copy = slab.copy(new Uint8Array(2_000_000).fill(7))
  expect([copy.length, copy[1_999_999]]).toEqual([2_000_000, 7])
  slab.giveBack(copy)
})
