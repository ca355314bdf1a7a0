import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyBegins, entriesOf, FRAME_BYTES, inFrames, PayloadBuilder, payloadsOf } from './payload.ts'

const entry = fc.record({
  atMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  content: fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.uint8Array({ maxLength: 200 })),
})
const plain = (bytes: Uint8Array) => entriesOf(bytes)?.map((one) => [one.atMs, Buffer.from(one.bytes).toString('hex')])

test('what is put together is taken apart, also in memory that is used again', () => {
  const builder = new PayloadBuilder()
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1 }), (entries) => {
      for (const { atMs, content } of entries) builder.add(atMs, content)
      expect(builder.count).toBe(entries.length)
      const payload = builder.take()
      const bytes = entries.map(({ atMs, content }) => ({ atMs, bytes: Buffer.from(content as string) }))
      expect(plain(payload.bytes)).toEqual(bytes.map((one) => [one.atMs, one.bytes.toString('hex')]))
      const [same] = payloadsOf(bytes)
      expect({ ...same, bytes: Buffer.from(same!.bytes) }).toEqual({ ...payload, bytes: Buffer.from(payload.bytes) })
    }),
  )
})

test('an entry larger than the memory has room', () => {
  const builder = new PayloadBuilder()
  builder.add(1, 'a')
  builder.add(2, 'ü'.repeat(300_000))
  expect(entriesOf(builder.take().bytes)!.map(({ bytes }) => bytes.length)).toEqual([1, 600_000])
})

test('entries are laid out in frames in their order, none divided, whoever gave them', () => {
  const sizes = fc.array(fc.array(fc.nat({ max: 120_000 }), { maxLength: 4 }), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, (calls) => {
      let atMs = 0
      const given = calls.map((all) => all.map((size) => ({ atMs: atMs++, bytes: new Uint8Array(size) })))
      const frames = [...inFrames(given.flatMap(payloadsOf))]
      const found = frames.flatMap(({ bytes }) => entriesOf(bytes)!)
      expect(found.map((one) => [one.atMs, one.bytes.length])).toEqual(
        given.flat().map((one) => [one.atMs, one.bytes.length]),
      )
      for (const { bytes, count, earliestMs, latestMs } of frames) {
        const entries = entriesOf(bytes)!
        expect(entries.length).toBe(count)
        expect([entries[0]!.atMs, entries.at(-1)!.atMs]).toEqual([earliestMs, latestMs])
        expect(count === 1 || bytes.length <= FRAME_BYTES).toBe(true)
      }
    }),
    { numRuns: 30 },
  )
})

test('whether any entry begins so is seen without taking them apart', () => {
  const [payload] = payloadsOf(['abc', 'b', 'cc'].map((text) => ({ atMs: 1, bytes: Buffer.from(text) })))
  const begins = (letter: string) => anyBegins(payload!.bytes, (byte) => byte === letter.charCodeAt(0))
  expect(['a', 'b', 'c', 'd'].map(begins)).toEqual([true, true, true, false])
})
