import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PackedEntries, unpackEntries } from './packed-entries.ts'

const entry = fc.record({
  atMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  content: fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.uint8Array({ maxLength: 200 })),
})

test('what is packed is unpacked, also in memory that is used again', () => {
  const packing = new PackedEntries()
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      for (const one of entries) packing.add(one)
      expect(packing.count).toBe(entries.length)
      const unpacked = unpackEntries(Uint8Array.from(packing.take()))
      const expected = entries.map(({ atMs, content }) => ({ atMs, bytes: Buffer.from(content as string) }))
      expect(unpacked.map(({ atMs, bytes }) => ({ atMs, bytes: Buffer.from(bytes) }))).toEqual(expected)
    }),
  )
})

test('an entry larger than the memory has room', () => {
  const packing = new PackedEntries()
  packing.add({ atMs: 1, content: 'a' })
  packing.add({ atMs: 2, content: 'ü'.repeat(300_000) })
  expect(unpackEntries(packing.take()).map(({ bytes }) => bytes.length)).toEqual([1, 600_000])
})
