/** Segments of journals: their frames one by one, and a whole journal whose last file was changed. */
import { deepStrictEqual, ok } from 'node:assert'
import { rmSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { readFile, writeFile } from 'node:fs/promises'
import { SealError } from '@strongroom/crypto'
import { MessageKey } from '@strongroom/crypto/node'
import { Fault } from '../../packages/server/src/core/fault.ts'
import { breakOf, NO_FRAME, openEntries, sealFrame } from '../../packages/server/src/journal/frame.ts'
import { collect, entry, JournalFixture, textOf, texts } from '../../packages/server/src/journal/journal.fixture.ts'
import { payloadsOf } from '../../packages/server/src/journal/payload.ts'
import { findFrame, scanFrames } from '../../packages/server/src/journal/scan.ts'
import { binary, errorsOf, reading, readingOf, type Target } from '../target.ts'

const KEY = new MessageKey(new Uint8Array(32).fill(4))
const MAGIC = 'SRJ\x01'
const FRAMES = 4

export const journalFrames: Target = {
  name: 'journal-frames',
  dictionary: binary(
    MAGIC,
    `${MAGIC}\x01\0\0\x01`,
    '\0'.repeat(8),
    '\0\0\0\x28',
    '\0\x40\0\0',
    '\xff\xff\xff\xff',
    '\0\0',
  ),
  seeds: () => [1, 2, FRAMES].map(segmentOf),
  async check(input) {
    const file = inMemory(input)
    const frames = scanFrames(file, 0, input.length)
    let after = NO_FRAME
    let intact = true
    let offset = 0
    for (;;) {
      const { value, done } = await frames.next()
      if (done) {
        ok(value.offset === offset && (value.state === 'end') === (offset === input.length), 'ends somewhere else')
        break
      }
      ok(value.offset === offset && value.next > offset, 'a frame begins somewhere else')
      offset = value.next
      const opened = reading(() => openEntries(KEY, value), errorsOf(SealError))
      intact &&= breakOf(value, after) === undefined
      if (intact && 'value' in opened) {
        // In its place in the chain stands only what was written there.
        deepStrictEqual(opened.value.map(textOf), texts(value.header.sequence, value.header.sequence))
      }
      after = { sequence: value.header.sequence, hash: value.hash }
    }
    await findFrame(file, KEY, 1, input.length)
  },
}

function segmentOf(frames: number): Uint8Array {
  const bytes: Uint8Array[] = []
  let after = NO_FRAME
  for (let number = 1; number <= frames; number++) {
    const frame = sealFrame(KEY, payloadsOf([entry(number)])[0]!, after, number % 2 === 1)
    bytes.push(frame.bytes)
    after = { sequence: frame.header.sequence, hash: frame.hash }
  }
  return new Uint8Array(Buffer.concat(bytes))
}

/** All that a scan asks of a file. */
const inMemory = (bytes: Uint8Array) =>
  ({
    async read(buffer: Buffer, offset: number, length: number, position: number) {
      const piece = bytes.subarray(position, position + length)
      buffer.set(piece, offset)
      return { bytesRead: piece.length, buffer }
    },
  }) as unknown as FileHandle

/**
 * Keys of journals are random, so the input is a list of changes to the last segment's file: 4 bytes each, the place
 * (2 bytes, modulo what there is), what is done there, and a byte to do it with.
 */
export const journal: Target = {
  name: 'journal',
  dictionary: binary(
    '\0\0\0\0',
    '\0\0\x01\0',
    '\0\0\x02\x01',
    '\0\x40\0\x01',
    '\0\x05\0\x80',
    '\x01\x10\x02\xff',
    '\xff\xff\x01\0',
  ),
  seeds: () => [Buffer.alloc(0), Buffer.from([0, 70, 0, 1]), Buffer.from([1, 0, 1, 0]), Buffer.from([0, 9, 2, 40])],
  async check(input) {
    const { fixture, original, path } = await writtenJournal()
    await writeFile(path, changed(original, input))
    const read = await readingOf(() => collect(fixture.reader().frames()), errorsOf(Fault))
    if ('value' in read) {
      const found = read.value.flatMap(({ entries }) => entries.map(textOf))
      deepStrictEqual(found, texts(1, FRAMES), 'a changed journal is read as if it were whole')
    } else ok(read.refused === 'Damaged', `refused as ${read.refused}`)
    await fixture.problems()
  },
}

let written: Promise<{ fixture: JournalFixture; original: Buffer; path: string }> | undefined

/** Made once, and left to the system when the process ends. */
function writtenJournal() {
  written ??= (async () => {
    const fixture = await JournalFixture.make()
    await fixture.write(2, FRAMES - 2)
    process.once('exit', () => rmSync(fixture.root, { recursive: true }))
    return { fixture, original: await readFile(fixture.path(2)), path: fixture.path(2) }
  })()
  return written
}

const MOST_CHANGES = 16

function changed(original: Buffer, changes: Uint8Array): Buffer {
  let bytes = Buffer.from(original)
  const view = Buffer.from(changes)
  for (let at = 0; at + 4 <= view.length && at < 4 * MOST_CHANGES; at += 4) {
    const place = view.readUInt16BE(at) % (bytes.length + 1)
    const [kind, value] = [view[at + 2]! % 3, view[at + 3]!]
    if (kind === 0 && place < bytes.length) bytes[place]! ^= value
    else if (kind === 1) bytes = bytes.subarray(0, place)
    else bytes = Buffer.concat([bytes.subarray(0, place), Buffer.alloc(value, value), bytes.subarray(place)])
  }
  return bytes
}
