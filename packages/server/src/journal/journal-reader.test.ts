/** Reading: from anywhere, in both directions, only what is wanted, beside prune, and after a rotation. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isFault } from '../core/fault.ts'
import { RecordStore } from '../records/record-store.ts'
import { resealPass } from '../records/reseal.ts'
import { StoreKey } from '../root-key/store-key.ts'
import type { Frame, FrameHeader } from './frame.ts'
import { collect, entry, JournalFixture, NAME, textOf, texts } from './journal.fixture.ts'
import { JournalReader } from './journal-reader.ts'

let journal: JournalFixture
beforeEach(async () => {
  journal = await JournalFixture.make()
})
afterEach(() => journal.remove())

const damage = expect.toSatisfy((error: unknown) => isFault(error, 'Damaged'))
const textsOf = (frames: readonly Frame[]) => frames.flatMap(({ entries }) => entries.map(textOf))

describe('a journal of three segments', () => {
  beforeEach(() => journal.write(3, 2, 4))

  test('is read on from every position', async () => {
    const frames = await journal.frames()
    for (const [index, { position, next }] of frames.entries()) {
      expect(textsOf(await collect(journal.reader().frames(position)))).toEqual(texts(index + 1, 9))
      expect(textsOf(await collect(journal.reader().frames(next)))).toEqual(texts(index + 2, 9))
    }
    expect(await collect(journal.reader().frames({ segment: 4, offset: 0 }))).toEqual([])
  })

  test('is read backwards from every position', async () => {
    const frames = await journal.frames()
    expect(textsOf(await collect(journal.reader().backwards()))).toEqual(texts(1, 9).reverse())
    for (const [index, { position, next }] of frames.entries()) {
      expect(textsOf(await collect(journal.reader().backwards(position)))).toEqual(texts(1, index).reverse())
      expect(textsOf(await collect(journal.reader().backwards(next)))).toEqual(texts(1, index + 1).reverse())
    }
  })

  test('only wanted frames are opened', async () => {
    const isEven = ({ sequence }: FrameHeader) => sequence % 2 === 0
    const even = ['entry 2', 'entry 4', 'entry 6', 'entry 8']
    expect(textsOf(await collect(journal.reader().frames(undefined, isEven)))).toEqual(even)
    expect(textsOf(await collect(journal.reader().backwards(undefined, isEven)))).toEqual(even.reverse())
  })

  test('a position within a frame is refused', async () => {
    await expect(collect(journal.reader().frames({ segment: 2, offset: 5 }))).rejects.toEqual(damage)
    await expect(collect(journal.reader().frames({ segment: 3, offset: 5 }))).rejects.toEqual(damage)
    await expect(journal.reader().entriesAt({ segment: 2, offset: 5 })).rejects.toEqual(damage)
  })

  test('entries are found by position and index', async () => {
    const reader = journal.reader()
    for (const { position, entries } of await journal.frames())
      expect(textOf((await reader.entriesAt(position))![0]!)).toBe(textOf(entries[0]!))
    // Remembered: the file is not needed any more.
    await rm(journal.path(1))
    expect(Buffer.from((await reader.entriesAt({ segment: 1, offset: 0 }))![0]!.bytes).toString()).toBe('entry 1')
    await expect(journal.reader().entriesAt({ segment: 1, offset: 0 })).rejects.toEqual(damage)
  })

  test('its segments tell what times their entries have', async () => {
    expect(await collect(journal.reader().segments())).toMatchObject([
      { segment: 1, firstSequence: 1, earliestMs: 1000, latestMs: 3000 },
      { segment: 2, firstSequence: 4, earliestMs: 4000, latestMs: 5000 },
      { segment: 3, firstSequence: 6, earliestMs: undefined, latestMs: undefined },
    ])
  })

  test('verify counts what is there', async () => {
    expect(await journal.reader().verify(() => {})).toEqual({ frames: 9, entries: 9, segments: 3 })
  })

  test('a segment whose file is gone is told and refused', async () => {
    for (const segment of [1, 2, 3]) {
      const putBack = await journal.keep()
      await rm(journal.path(segment))
      expect(await journal.problems()).toEqual([expect.stringContaining(`000000000${segment}.log: is missing`)])
      await expect(journal.frames()).rejects.toEqual(damage)
      await expect(journal.writer()).rejects.toEqual(damage)
      await putBack()
    }
    expect(await journal.problems()).toEqual([])
  })

  test('a segment whose record is gone is told and refused', async () => {
    const { catalog } = journal
    const all = await catalog.range({ gte: Buffer.from('j'), lt: Buffer.from('k'), limit: 9 })
    for (const { key, value } of all) {
      await catalog.commit([], [{ key, value: undefined }])
      expect(await journal.problems()).not.toEqual([])
      await expect(journal.writer()).rejects.toEqual(damage)
      await catalog.commit([], [{ key, value }])
    }
    for (const { key, value } of all) {
      await catalog.commit([], [{ key, value: undefined }])
      await expect(journal.frames()).rejects.toEqual(damage)
      await expect(collect(journal.reader().backwards())).rejects.toEqual(damage)
      await catalog.commit([], [{ key, value }])
    }
    await catalog.commit([], [{ key: Buffer.from(`J${NAME}`), value: undefined }])
    expect(await journal.problems()).toEqual([expect.stringContaining('head record')])
    await expect(journal.writer()).rejects.toEqual(damage)
  })

  test('files without a record are told and refused', async () => {
    await writeFile(journal.path(4), '')
    expect(await journal.problems()).toEqual([expect.stringContaining('0000000004.log: has no record')])
    await expect(journal.writer()).rejects.toEqual(damage)
  })

  test('swapped segments are told and refused', async () => {
    const [one, two] = [await readFile(journal.path(1)), await readFile(journal.path(2))]
    await writeFile(journal.path(1), two)
    await writeFile(journal.path(2), one)
    expect(await journal.problems()).not.toEqual([])
    await expect(journal.frames()).rejects.toEqual(damage)
  })

  describe('prune', () => {
    test.each([
      [{ olderThanMs: 3000 }, 0],
      [{ olderThanMs: 3001 }, 1],
      [{ olderThanMs: 5001 }, 2],
      [{ olderThanMs: 1_000_000 }, 2],
      [{ maxBytes: 1_000_000 }, 0],
      [{ maxBytes: 0 }, 2],
      [{}, 0],
    ])('with %j removes %d segments', async (limits, count) => {
      const first = [1, 4, 6][count]!
      const before = (await journal.frames())[0]!.position
      const writer = await journal.writer()
      expect(await writer.prune(limits)).toBe(count)
      await writer.append([entry(10)])
      expect(await journal.texts()).toEqual(texts(first, 10))
      expect(textsOf(await collect(journal.reader().frames(before)))).toEqual(texts(first, 10))
      expect(textsOf(await collect(journal.reader().backwards()))).toEqual(texts(first, 10).reverse())
      expect(await journal.problems()).toEqual([])
      await writer.close()
      await (await journal.writer()).close()
      expect(await journal.problems()).toEqual([])
    })

    test('keeps the newest within a size', async () => {
      const writer = await journal.writer()
      expect(await writer.prune({ maxBytes: (await stat(journal.path(2))).size })).toBe(1)
      expect(await writer.prune({ maxBytes: (await stat(journal.path(2))).size })).toBe(0)
      await writer.close()
    })

    test('that is interrupted is ended by the next opening', async () => {
      const putBack = await journal.keep()
      const writer = await journal.writer()
      await writer.prune({ maxBytes: 0 })
      await writer.close()
      await putBack()
      expect(await journal.texts()).toEqual(texts(6, 9))
      expect(await journal.problems()).toEqual([])
      await (await journal.writer()).close()
      await expect(stat(journal.path(1))).rejects.toThrow('ENOENT')
      expect(await journal.reader().entriesAt({ segment: 1, offset: 0 })).toBeUndefined()
    })

    test('beside a reader makes it go on with what is left', async () => {
      const frames = journal.reader().frames()
      expect(textsOf([(await frames.next()).value as Frame])).toEqual(['entry 1'])
      const writer = await journal.writer()
      await writer.prune({ maxBytes: 0 })
      expect(textsOf(await collect(frames))).toEqual([...texts(2, 3), ...texts(6, 9)])
      await writer.close()
    })
  })

  test('after a rotation of the store key it opens with the new version alone', async () => {
    const { versions } = journal.storeKey.export()
    const next = { version: 2, key: Buffer.alloc(32, 8).toString('base64') }
    journal.storeKey.update({ sealing: 2, versions: [...versions, next] })
    expect(await resealPass(journal.records, [])).toMatchObject({ stale: 4, damaged: [] })
    const records = new RecordStore(journal.catalog, new StoreKey({ sealing: 2, versions: [next] }).derive('records'))
    const reader = new JournalReader({ dir: journal.dir, name: NAME, records })
    expect(textsOf(await collect(reader.frames()))).toEqual(texts(1, 9))
    const writer = await journal.writer({ records, segmentBytes: 1 })
    await writer.append([entry(10)])
    expect(await writer.prune({ maxBytes: 0 })).toBe(3)
    await writer.close()
    expect(textsOf(await collect(reader.frames()))).toEqual(['entry 10'])
  })
})

describe('whatever is done to the files', () => {
  /** Bounds of the frames of all segments. */
  type Cut = { readonly segment: number; readonly from: number; readonly to: number }
  let cuts: Cut[]
  let putBack: () => Promise<void>
  let kept: number
  beforeEach(async () => {
    await journal.write(4, 3, 4)
    cuts = (await journal.frames()).map(({ position, next }) => ({
      segment: position.segment,
      from: position.offset,
      to: next.offset,
    }))
    putBack = await journal.keep()
    kept = await size()
  })

  /** Verify tells it, and readers return nothing wrong: what is right, up to a refusal. */
  async function expectTold(): Promise<void> {
    expect(await journal.problems()).not.toEqual([])
    const read = async (frames: AsyncIterable<Frame>, right: readonly string[]) => {
      const found: string[] = []
      const reading = (async () => {
        for await (const frame of frames) found.push(...textsOf([frame]))
      })()
      // Bytes after a segment's end do not count for readers.
      if (isLonger) {
        await reading.then(
          () => expect(found).toEqual(right),
          (error: unknown) => expect(error).toEqual(damage),
        )
      } else await expect(reading).rejects.toEqual(damage)
      expect(found).toEqual(right.slice(0, found.length))
    }
    const isLonger = (await size()) > kept
    await read(journal.reader().frames(), texts(1, 11))
    await read(journal.reader().backwards(), texts(1, 11).reverse())
    await putBack()
  }

  const size = async () => {
    const facts = await Promise.all([1, 2, 3].map((segment) => stat(journal.path(segment))))
    return facts.reduce((sum, { size }) => sum + size, 0)
  }

  const runs = { numRuns: 50 }

  test('a flipped bit is told', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        async (segment, n, bit) => {
          await journal.change((bytes) => {
            bytes[n % bytes.length]! ^= 1 << bit
            return bytes
          }, segment)
          await expectTold()
        },
      ),
      runs,
    ))

  test('a segment that was cut is told', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.nat(), async (segment, n) => {
        await journal.change((bytes) => bytes.subarray(0, n % bytes.length), segment)
        await expectTold()
      }),
      runs,
    ))

  test('a frame that was dropped, doubled or swapped is told', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.constantFrom('drop', 'double', 'swap', 'replace'), async (n, m, how) => {
        const one = cuts[n % cuts.length]!
        const other = cuts[m % cuts.length]!
        if (one === other && how !== 'drop' && how !== 'double') return
        const from = await readFile(journal.path(other.segment))
        const inserted = from.subarray(other.from, other.to)
        const own = (await readFile(journal.path(one.segment))).subarray(one.from, one.to)
        const put = { drop: [], double: [own, own], swap: [inserted], replace: [inserted] }[how]
        const replace = (cut: Cut, by: readonly Uint8Array[]) =>
          journal.change(
            (bytes) => Buffer.concat([bytes.subarray(0, cut.from), ...by, bytes.subarray(cut.to)]),
            cut.segment,
          )
        if (how === 'swap' && one.segment === other.segment && other.from < one.from) {
          await replace(one, put)
          await replace(other, [own])
        } else {
          if (how === 'swap') await replace(other, [own])
          await replace(one, put)
        }
        await expectTold()
      }),
      runs,
    ))

  test('bytes that were added are told', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 }),
        fc.uint8Array({ minLength: 1, maxLength: 80 }),
        async (segment, more) => {
          await journal.change((bytes) => Buffer.concat([bytes, more]), segment)
          expect(await journal.problems()).not.toEqual([])
          await putBack()
        },
      ),
      runs,
    ))

  test('a time that was changed in a frame which is passed over is told at the end of its segment', async () => {
    await journal.change((bytes) => {
      bytes[cuts[3]!.from + 31]! ^= 1
      return bytes
    })
    await expect(collect(journal.reader().frames(undefined, () => false))).rejects.toEqual(damage)
  })

  test('each problem is told with file and offset, and what is whole after it is counted', async () => {
    await journal.change((bytes) => {
      bytes[cuts[1]!.from + 70]! ^= 1
      return bytes
    })
    const problems: string[] = []
    const summary = await journal.reader().verify((problem) => problems.push(problem))
    expect(problems[0]).toBe(`journal management, 0000000001.log at ${cuts[1]!.from}: the frame does not open`)
    expect(summary).toEqual({ frames: 10, entries: 10, segments: 3 })
  })
})

test('a journal that is not there has no frames and no problems', async () => {
  expect(await journal.frames()).toEqual([])
  expect(await collect(journal.reader().backwards())).toEqual([])
  expect(await journal.reader().verify(() => {})).toEqual({ frames: 0, entries: 0, segments: 0 })
})

test('journals in one catalog do not mix', async () => {
  await journal.write(2)
  const dir = join(journal.root, 'audit', 'management2')
  const other = await journal.writer({ name: 'management2', dir })
  await other.append([entry(7)])
  await other.close()
  expect(await journal.texts()).toEqual(texts(1, 2))
  const reader = new JournalReader({ dir, name: 'management2', records: journal.records })
  expect(textsOf(await collect(reader.frames()))).toEqual(['entry 7'])
  expect(await journal.problems()).toEqual([])
})
