/** The bytes of a frame: a known one, what is accepted, and what is not. */
import { SealError } from '@strongroom/crypto'
import { MessageKey } from '@strongroom/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  breakOf,
  HEAD_BYTES,
  hashOf,
  type JournalEntry,
  MOST_ENTRY_BYTES,
  NO_FRAME,
  openEntries,
  previousHashOf,
  readHeader,
  sealFrame,
} from './frame.ts'
import { payloadsOf } from './payload.ts'

const key = new MessageKey(new Uint8Array(32).fill(1))
const other = new MessageKey(new Uint8Array(32).fill(2))
const entries = [
  { atMs: 1_700_000_000_001, bytes: Buffer.from('second') },
  { atMs: 1_700_000_000_000, bytes: Buffer.from('') },
]
/** Two entries, of sequence number 2 ** 32 + 6, after a frame with the hash of 32 times 0x0b. */
const KNOWN =
  '53524a01' + // magic, version
  '01000002' + // begins a group, zero, two entries
  '0000000100000006' +
  '00000042' + // 2 * 10 + 6 + 40 bytes
  '018bcfe56800018bcfe56801' +
  '0b'.repeat(32) +
  '4a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6061' +
  '0596b45268666b4e25d94168fc7112257e4f77d7a6d313077bbf576b0c8a2694' +
  'dcde5c4030b8b5994618'
const AFTER = { sequence: 2 ** 32 + 5, hash: new Uint8Array(32).fill(11) }

const opened = (bytes: Uint8Array, by = key) => {
  const frame = Buffer.from(bytes)
  const header = readHeader(frame)
  return header && openEntries(by, { header, bytes: frame })
}
const payloadOf = (list: readonly JournalEntry[]) => payloadsOf(list)[0]!
const plain = (list: readonly JournalEntry[] | undefined) =>
  list?.map(({ atMs, bytes }) => [atMs, Buffer.from(bytes).toString('hex')])

test('a known frame opens, and one that is made anew has the same beginning', () => {
  const known = Buffer.from(KNOWN, 'hex')
  expect(readHeader(known)).toEqual({
    sequence: 2 ** 32 + 6,
    entryCount: 2,
    earliestMs: 1_700_000_000_000,
    latestMs: 1_700_000_000_001,
    beginsGroup: true,
    sealedBytes: known.length - HEAD_BYTES,
  })
  expect(plain(opened(known))).toEqual(plain(entries))
  const made = sealFrame(key, payloadOf(entries), AFTER, true)
  expect(Buffer.from(made.bytes.subarray(0, HEAD_BYTES)).toString('hex')).toBe(KNOWN.slice(0, 2 * HEAD_BYTES))
  expect(made.bytes).toHaveLength(known.length)
})

const REFUSED: Record<string, (frame: Buffer) => void> = {
  'another magic': (frame) => frame.fill(0, 0, 1),
  'another version': (frame) => frame.fill(2, 3, 4),
  'unknown flags': (frame) => frame.fill(2, 4, 5),
  'a byte that is not zero': (frame) => frame.fill(1, 5, 6),
  'no entries': (frame) => frame.writeUInt16BE(0, 6),
  'a sequence number beyond 2 ** 53': (frame) => frame.writeUInt32BE(2 ** 21, 8),
  'a payload that is shorter than a seal': (frame) => frame.writeUInt32BE(39, 16),
  'a payload that is longer than any': (frame) => frame.writeUInt32BE(MOST_ENTRY_BYTES + 51, 16),
  'only zeros': (frame) => frame.fill(0),
}
test.each(Object.keys(REFUSED))('a header with %s is none', (name) => {
  const frame = Buffer.from(KNOWN, 'hex')
  expect(readHeader(frame)).toBeDefined()
  REFUSED[name]!(frame)
  expect(readHeader(frame)).toBeUndefined()
})

test('payloads that are no list of entries do not open', () => {
  const good = Buffer.from(sealFrame(key, payloadOf([{ atMs: 1, bytes: Buffer.from('abc') }]), NO_FRAME, true).bytes)
  const header = readHeader(good)!
  const withPayload = (payload: Buffer, entryCount = 1) => {
    const head = Buffer.from(good.subarray(0, HEAD_BYTES))
    const bytes = Buffer.concat([head, key.seal(payload, head)])
    return () => openEntries(key, { header: { ...header, entryCount }, bytes })
  }
  const payload = Buffer.from('00000003000000000001616263', 'hex')
  expect(plain(withPayload(payload)())).toEqual([[1, '616263']])
  expect(withPayload(payload, 2)).toThrow(SealError)
  expect(withPayload(Buffer.concat([payload, payload]))).toThrow(SealError)
  expect(withPayload(payload.subarray(0, -1))).toThrow(SealError)
  expect(withPayload(Buffer.concat([payload, Buffer.alloc(1)]))).toThrow(SealError)
  expect(withPayload(Buffer.alloc(0), 0)()).toEqual([])
})

const anyEntries = fc.array(
  fc.record({ atMs: fc.integer({ min: 0, max: 2 ** 47 }), bytes: fc.uint8Array({ maxLength: 50 }) }),
  { minLength: 1, maxLength: 20 },
)

test('a frame comes back as it was, and with any bit flipped it does not', () => {
  fc.assert(
    fc.property(anyEntries, fc.boolean(), fc.nat(), fc.nat(), (list, begins, sequence, at) => {
      const after = { sequence, hash: new Uint8Array(32).fill(sequence) }
      const frame = sealFrame(key, payloadOf(list), after, begins)
      expect(plain(opened(frame.bytes))).toEqual(plain(list))
      expect(readHeader(Buffer.from(frame.bytes))).toEqual(frame.header)
      expect(frame.hash).toEqual(hashOf(frame.bytes))
      expect([...previousHashOf(frame.bytes)]).toEqual([...after.hash])
      expect(breakOf(frame, after)).toBeUndefined()
      expect(breakOf(frame, { ...after, sequence: sequence + 1 })).toMatch('number')
      expect(breakOf(frame, { ...after, hash: new Uint8Array(32).fill(sequence + 1) })).toMatch('follow')
      expect(() => opened(frame.bytes, other)).toThrow(SealError)
      const flipped = Buffer.from(frame.bytes)
      flipped[at % flipped.length]! ^= 1 << (at % 8)
      let found: unknown
      try {
        found = opened(flipped)
      } catch (error) {
        found = error instanceof SealError ? undefined : error
      }
      expect(found).toBeUndefined()
    }),
  )
})
