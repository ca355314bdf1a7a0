import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataKey, HEADER_BYTES, plaintextSize, SealError, sealedSize, TAG_BYTES } from '../index.ts'
import { createSealer, generateDataKey, openRange, sealBytes } from './index.ts'

const context = { streamId: new Uint8Array(16).fill(7), partNumber: 3 }
/** Small segments let properties meet many of them. */
const segmentBytes = 16
const stride = segmentBytes + TAG_BYTES
const body = fc.uint8Array({ minLength: 0, maxLength: 100 })

describe('a sealed stream', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])('opens what it sealed: %d bytes', (size) => {
    const key = generateDataKey()
    const plaintext = new Uint8Array(size).map((_, i) => i * 31)
    const sealed = sealBytes(key, context, plaintext)
    expect(sealed.length).toBe(sealedSize(size))
    expect(plaintextSize(sealed.length)).toBe(size)
    expect(Buffer.compare(openRange(key, context, sealed), plaintext)).toBe(0)
  })

  test('is the same however the plaintext is cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }), (chunks) => {
        const key = generateDataKey()
        const sealer = createSealer(key, context, { segmentBytes })
        const out = [sealer.header]
        for (const chunk of chunks) {
          // A Buffer whose bytes change afterwards: the sealer must not hold on to them.
          const passing = Buffer.from(chunk)
          out.push(...sealer.update(passing))
          passing.fill(0)
        }
        out.push(...sealer.final())
        expect(openRange(key, context, Buffer.concat(out))).toEqual(Buffer.concat(chunks))
      }),
    )
  })

  test('any range equals the slice', () => {
    fc.assert(
      fc.property(body, fc.nat(100), fc.nat(100), (plaintext, a, b) => {
        const start = Math.min(a, b, plaintext.length)
        const end = Math.min(Math.max(a, b), plaintext.length)
        const key = generateDataKey()
        const sealed = sealBytes(key, context, plaintext, { segmentBytes })
        expect([...openRange(key, context, sealed, start, end)]).toEqual([...plaintext.subarray(start, end)])
      }),
    )
  })

  test('any flipped bit fails', () => {
    fc.assert(
      fc.property(body, fc.nat(), fc.nat(7), (plaintext, at, bit) => {
        const key = generateDataKey()
        const sealed = Uint8Array.from(sealBytes(key, context, plaintext, { segmentBytes }))
        const index = at % sealed.length
        sealed[index] = sealed[index]! ^ (1 << bit)
        expect(() => openRange(key, context, sealed)).toThrow(SealError)
      }),
    )
  })

  test('a cut, dropped, repeated or swapped segment fails', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2 * segmentBytes, maxLength: 100 }), fc.nat(), (plaintext, n) => {
        const key = generateDataKey()
        const sealed = sealBytes(key, context, plaintext, { segmentBytes })
        const segments: Uint8Array[] = []
        for (let at = HEADER_BYTES; at < sealed.length; at += stride) segments.push(sealed.subarray(at, at + stride))
        const i = n % (segments.length - 1)
        const swapped = [...segments]
        swapped[i] = segments[i + 1]!
        swapped[i + 1] = segments[i]!
        const tampered = [
          segments.toSpliced(i, 1),
          segments.toSpliced(i, 0, segments[i]!),
          swapped,
          segments.slice(0, -1),
          [...segments.slice(0, -1), segments.at(-1)!.subarray(0, -1)],
        ]
        for (const pieces of tampered) {
          const bytes = Buffer.concat([sealed.subarray(0, HEADER_BYTES), ...pieces])
          expect(() => openRange(key, context, bytes)).toThrow(SealError)
        }
      }),
    )
  })

  test('is bound to its stream id, part number and key', () => {
    const key = generateDataKey()
    const sealed = sealBytes(key, context, new Uint8Array(40), { segmentBytes })
    for (const other of [
      { ...context, partNumber: 4 },
      { ...context, streamId: new Uint8Array(16) },
    ]) {
      expect(() => openRange(key, other, sealed)).toThrow(SealError)
    }
    expect(() => openRange(generateDataKey(), context, sealed)).toThrow(SealError)
  })
})

test('a data key prints as nothing and can be wiped', () => {
  const secret = Buffer.from('0123456789abcdef0123456789abcdef')
  const key = new DataKey(Uint8Array.from(secret))
  for (const text of [String(key), JSON.stringify({ key }), inspect(key, { depth: 9 })]) {
    expect(text).not.toContain('0123')
    expect(text).not.toContain('30')
  }
  const bytes = key.bytes()
  key.wipe()
  expect(bytes.every((byte) => byte === 0)).toBe(true)
  expect(() => key.bytes()).toThrow()
})
