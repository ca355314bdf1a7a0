/** Appending: group commit, what a crash at any byte leaves, and what each error leaves. */
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isFault } from '../core/fault.ts'
import type { Catalog } from '../storage/catalog.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { HEAD_BYTES, NO_FRAME, sealFrame } from './frame.ts'
import { collect, entry, JournalFixture, NAME, textOf, texts } from './journal.fixture.ts'
import type { JournalWriter } from './journal-writer.ts'
import { payloadsOf } from './payload.ts'
import { openJournalFile } from './segment-files.ts'
import { eachSegment, readHead, segmentKey } from './segment-records.ts'

let journal: JournalFixture
beforeEach(async () => {
  journal = await JournalFixture.make()
})
afterEach(() => journal.remove())

const isDamaged = (error: unknown) => isFault(error, 'Damaged')
const damage = expect.toSatisfy(isDamaged)

test('what was appended is read in order, also after the next opening', async () => {
  await journal.write(3)
  expect(await journal.texts()).toEqual(texts(1, 3))
  const writer = await journal.writer()
  await writer.append([entry(4), entry(5)])
  expect(await journal.texts()).toEqual(texts(1, 5))
  await writer.close()
  expect(await journal.problems()).toEqual([])
})

test('the folder is 0700 and files are 0600; nothing stands in clear', async () => {
  await journal.write(2)
  expect((await stat(journal.dir)).mode & 0o777).toBe(0o700)
  expect((await stat(journal.path())).mode & 0o777).toBe(0o600)
  expect((await readFile(journal.path())).includes('entry')).toBe(false)
})

describe('group commit', () => {
  test('entries that are given while a sync is under way share the next write and sync', async () => {
    const writer = await journal.writer()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const before = { ...journal.calls }
    let isSyncing = () => {}
    const syncing = new Promise<void>((resolve) => {
      isSyncing = resolve
    })
    journal.before = (call) => {
      if (call !== 'sync') return undefined
      isSyncing()
      return held
    }
    const first = writer.append([entry(1)])
    await syncing
    const rest = Array.from({ length: 100 }, (_, i) => writer.append([entry(2 + i)]))
    release()
    await Promise.all([first, ...rest])
    expect(journal.calls.sync - before.sync).toBe(2)
    expect(journal.calls.write - before.write).toBe(2)
    expect((await journal.frames()).map(({ entries }) => entries.length)).toEqual([1, 100])
    await writer.close()
  })

  test('nothing is acknowledged before its sync has ended', async () => {
    const writer = await journal.writer()
    const order: string[] = []
    journal.before = async (call) => {
      if (call !== 'sync') return
      await new Promise((resolve) => setImmediate(resolve))
      order.push('sync')
    }
    writer.onWritten(() => order.push('told'))
    await writer.append([entry(1)]).then(() => order.push('acknowledged'))
    expect(order).toEqual(['sync', 'told', 'acknowledged'])
    await writer.close()
  })

  test('where nobody waits, what comes within a while shares one sync, and closing does not wait for more', async () => {
    const writer = await journal.writer({ gatherMs: 60_000 })
    const before = journal.calls.sync
    const all = Promise.all(
      [1, 2, 3].map(async (n) => {
        await new Promise((resolve) => setTimeout(resolve, 5 * n))
        await writer.append([entry(n)])
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(journal.calls.sync).toBe(before)
    await writer.close()
    await all
    expect((await journal.frames()).map(({ entries }) => entries.length)).toEqual([3])
  })

  test('large groups are several frames of one sync', async () => {
    const writer = await journal.writer()
    const before = journal.calls.sync
    const large = { atMs: 5, bytes: new Uint8Array(45_000).fill(1) }
    await writer.append(Array.from({ length: 9 }, () => large))
    expect(journal.calls.sync - before).toBe(1)
    const frames = await journal.frames()
    expect(frames.map(({ entries, header }) => [entries.length, header.beginsGroup])).toEqual([
      [2, true],
      [2, false],
      [2, false],
      [2, false],
      [1, false],
    ])
    await writer.close()
  })

  test('listeners get the frames as readers do', async () => {
    const writer = await journal.writer({ segmentBytes: 1 })
    const told: unknown[] = []
    writer.onWritten(({ position, next, header, entries }) =>
      told.push({ position, next, header, texts: entries.map(textOf) }),
    )
    for (let i = 1; i <= 3; i++) await writer.append([entry(i)])
    const read = (await journal.frames()).map(({ entries, ...rest }) => ({ ...rest, texts: entries.map(textOf) }))
    expect(told).toEqual(read)
    expect(writer.end).toEqual(read.at(-1)!.next)
    await writer.close()
  })
})

test('entries of no bytes, of many, and none', async () => {
  const writer = await journal.writer()
  await writer.append([])
  expect(await journal.frames()).toEqual([])
  await writer.append(Array.from({ length: 70_000 }, () => ({ atMs: 1, bytes: new Uint8Array(0) })))
  const large = { atMs: 2 ** 47, bytes: new Uint8Array(4 * 1024 * 1024).fill(3) }
  await writer.append([large])
  const frames = await journal.frames()
  expect(frames.reduce((sum, { entries }) => sum + entries.length, 0)).toBe(70_001)
  expect(frames.at(-1)!.entries[0]!.atMs).toBe(2 ** 47)
  await expect(writer.append([{ atMs: 1, bytes: new Uint8Array(4 * 1024 * 1024 + 1) }])).rejects.toThrow(RangeError)
  await expect(writer.append([{ atMs: -1, bytes: new Uint8Array(1) }])).rejects.toThrow(RangeError)
  await writer.close()
  await expect(writer.append([entry(1)])).rejects.toThrow('closed')
  expect(await journal.problems()).toEqual([])
})

test('a new segment has a key of its own, and its record says where the former ended', async () => {
  await journal.write(2, 2)
  const [first, second] = await collect(eachSegment(journal.records, NAME))
  expect(second).toMatchObject({
    segment: 2,
    firstSequence: 3,
    previous: { end: (await stat(journal.path())).size, frames: 2, earliestMs: 1000, latestMs: 2000 },
  })
  expect(second!.dataKey).not.toBe(first!.dataKey)
  expect(await journal.texts()).toEqual(texts(1, 4))
  expect(await journal.problems()).toEqual([])
})

describe('the head record', () => {
  test('is committed at the end, and before that in time', async () => {
    const writer = await journal.writer({ headEveryMs: 1 })
    await writer.append([entry(1)])
    await expect.poll(async () => (await readHead(journal.records, NAME))?.sequence).toBe(1)
    await writer.close()
    const quiet = await journal.writer({ headEveryMs: 1e8 })
    await quiet.append([entry(2)])
    expect((await readHead(journal.records, NAME))?.sequence).toBe(1)
    await quiet.close()
    expect(await readHead(journal.records, NAME)).toMatchObject({ sequence: 2, ...quiet.end })
  })

  test('a failure is told, and it is tried again', async () => {
    const failing = new FailingCatalog()
    journal = await JournalFixture.make(failing)
    const errors: unknown[] = []
    const writer = await journal.writer({ headEveryMs: 1, onHeadFailed: (error) => errors.push(error) })
    failing.isFailing = true
    await writer.append([entry(1)])
    await expect.poll(() => errors.length).toBe(1)
    failing.isFailing = false
    await writer.append([entry(2)])
    await expect.poll(async () => (await readHead(journal.records, NAME))?.sequence).toBe(2)
    await writer.close()
  })
})

describe('a crash', () => {
  /** Leaves a journal as a process does that ends without a word: no head record for what came after the opening. */
  async function crashed(frames: number): Promise<void> {
    await journal.write(2)
    const writer = await journal.writer()
    for (let i = 0; i < frames; i++) await writer.append([entry(3 + i)])
  }

  test('at every byte of the last frame leaves all before it, and the journal goes on', async () => {
    await crashed(2)
    const whole = await readFile(journal.path())
    const frames = await journal.frames()
    const last = frames.at(-1)!.position.offset
    for (let size = last; size < whole.length; size++) {
      await writeFile(journal.path(), whole.subarray(0, size))
      expect(await journal.problems(), `cut to ${size}`).toEqual([])
      expect(await journal.texts()).toEqual(texts(1, 3))
      const writer = await journal.writer()
      expect(writer.end.offset).toBe(last)
      expect((await stat(journal.path())).size).toBe(last)
      if (size % 20 === 0) {
        await writer.append([entry(4)])
        expect(await journal.texts()).toEqual(texts(1, 4))
      }
    }
  })

  test('that leaves bytes of a write which were never on the disk is one of these', async () => {
    await crashed(2)
    const { position, next } = (await journal.frames()).at(-1)!
    // The length of the file reached the disk, and a part of the frame did not.
    await journal.change((bytes) => bytes.fill(0, position.offset + 40, next.offset - 10))
    expect(await journal.texts()).toEqual(texts(1, 3))
    expect((await collect(journal.reader().backwards())).flatMap(({ entries }) => entries.map(textOf))).toEqual(
      texts(1, 3).reverse(),
    )
    const writer = await journal.writer()
    expect(writer.end).toEqual(position)
  })

  test('within a group of frames leaves those before the first that is not whole', async () => {
    await journal.write(1)
    const writer = await journal.writer()
    const large = { atMs: 5, bytes: new Uint8Array(200_000).fill(1) }
    await writer.append([large, large, large])
    const [, , broken] = await journal.frames()
    await journal.change((bytes) => bytes.fill(0, broken!.position.offset + 1000, broken!.position.offset + 5000))
    expect(await journal.frames()).toHaveLength(2)
    expect((await journal.writer()).end).toEqual(broken!.position)
  })

  test('does not excuse what is broken before a whole group', async () => {
    await crashed(3)
    const { position } = (await journal.frames()).at(-2)!
    await journal.change((bytes) => flip(bytes, position.offset + HEAD_BYTES + 5))
    await expect(journal.writer()).rejects.toEqual(damage)
    await expect(journal.texts()).rejects.toEqual(damage)
    expect(await journal.problems()).not.toEqual([])
  })

  test('does not excuse what is missing before the head', async () => {
    await crashed(0)
    await truncate(journal.path(), (await journal.frames()).at(-1)!.position.offset + 70)
    await expect(journal.writer()).rejects.toEqual(damage)
    await expect(journal.texts()).rejects.toEqual(damage)
    expect(await journal.problems()).not.toEqual([])
  })
})

describe('errors', () => {
  const acknowledged: number[] = []
  const tryAppend = async (writer: JournalWriter, number: number) => {
    try {
      await writer.append([entry(number)])
      acknowledged.push(number)
      return 'done'
    } catch (error) {
      return (error as Error).message
    }
  }
  beforeEach(() => {
    acknowledged.length = 0
  })

  test.each([0, 1, 63, 64, 80])(
    'a write that fails after %d bytes is cut off, and the next one is tried',
    async (n) => {
      const writer = await journal.writer()
      await tryAppend(writer, 1)
      journal.writtenBeforeFailure = n
      journal.before = (call) => {
        if (call === 'write') throw new Error('ENOSPC')
      }
      const together = [tryAppend(writer, 2), tryAppend(writer, 3)]
      expect(await Promise.all(together)).toEqual(['ENOSPC', 'ENOSPC'])
      expect(await tryAppend(writer, 4)).toBe('ENOSPC')
      journal.before = () => {}
      expect(await tryAppend(writer, 5)).toBe('done')
      expect(await journal.texts()).toEqual(acknowledged.map((number) => `entry ${number}`))
      expect(await readdir(journal.dir)).toHaveLength(1)
      await writer.close()
      expect(await journal.problems()).toEqual([])
    },
  )

  test('those that wait while a write fails are refused with it', async () => {
    const writer = await journal.writer()
    let later: Promise<string> | undefined
    journal.before = (call) => {
      if (call !== 'write') return
      later ??= tryAppend(writer, 2)
      throw new Error('EIO')
    }
    expect(await tryAppend(writer, 1)).toBe('EIO')
    expect(await later).toBe('EIO')
    await writer.close()
    expect(await journal.texts()).toEqual([])
    expect(await journal.problems()).toEqual([])
  })

  test('as long as the file is not cut back, nothing is written', async () => {
    const writer = await journal.writer()
    journal.before = (call) => {
      if (call === 'write' || call === 'truncate') throw new Error(call)
    }
    expect(await tryAppend(writer, 1)).toBe('write')
    expect(await tryAppend(writer, 2)).toBe('truncate')
    journal.before = () => {}
    expect(await tryAppend(writer, 3)).toBe('done')
    expect(await journal.texts()).toEqual(['entry 3'])
    await writer.close()
  })

  test.each([true, false])('after a sync that fails a new segment is begun (old one cut back: %s)', async (isCut) => {
    const writer = await journal.writer()
    await tryAppend(writer, 1)
    journal.before = (call) => {
      if (call === 'sync' || (call === 'truncate' && !isCut)) throw new Error('EIO')
    }
    expect(await tryAppend(writer, 2)).toBe('EIO')
    journal.before = (call) => {
      if (call === 'truncate' && !isCut) throw new Error('EIO')
    }
    expect(await tryAppend(writer, 3)).toBe('done')
    expect(writer.end.segment).toBe(2)
    expect(await journal.texts()).toEqual(['entry 1', 'entry 3'])
    expect(await journal.problems()).toEqual([])
    await writer.close()
    journal.before = () => {}
    const again = await journal.writer()
    expect((await stat(journal.path())).size).toBe((await journal.frames())[0]!.next.offset)
    await again.append([entry(4)])
    await again.close()
    expect(await journal.texts()).toEqual(['entry 1', 'entry 3', 'entry 4'])
    expect(await journal.problems()).toEqual([])
  })

  test.each(['record', 'open'] as const)(
    'a segment that cannot be begun (%s) is begun by the next append',
    async (at) => {
      const failing = new FailingCatalog()
      journal = await JournalFixture.make(failing)
      const writer = await journal.writer({ segmentBytes: 1 })
      await tryAppend(writer, 1)
      failing.isFailing = at === 'record'
      journal.before = (call) => {
        if (call === 'open' && at === 'open') throw new Error('EMFILE')
      }
      expect(await tryAppend(writer, 2)).toMatch(/EMFILE|catalog/)
      expect(await tryAppend(writer, 3)).toMatch(/EMFILE|catalog/)
      failing.isFailing = false
      journal.before = () => {}
      expect(await tryAppend(writer, 4)).toBe('done')
      await writer.close()
      expect(await journal.texts()).toEqual(['entry 1', 'entry 4'])
      expect(await journal.problems()).toEqual([])
    },
  )

  test('a segment whose file was not made is made at the next opening', async () => {
    const writer = await journal.writer({ segmentBytes: 1 })
    await tryAppend(writer, 1)
    journal.before = (call) => {
      if (call === 'open') throw new Error('crash')
    }
    expect(await tryAppend(writer, 2)).toBe('crash')
    journal.before = () => {}
    expect(await journal.texts()).toEqual(['entry 1'])
    expect(await journal.problems()).toEqual([])
    const again = await journal.writer()
    await again.append([entry(3)])
    expect(await readdir(journal.dir)).toHaveLength(2)
    expect(await journal.texts()).toEqual(['entry 1', 'entry 3'])
    await again.close()
  })
})

test('a second writer does not begin what the first has begun', async () => {
  const first = await journal.writer({ segmentBytes: 1 })
  await first.append([entry(1)])
  const second = await journal.writer({ segmentBytes: 1 })
  await first.append([entry(2)])
  await expect(second.append([entry(3)])).rejects.toEqual(damage)
  await first.append([entry(4)])
  expect(await journal.texts()).toEqual(['entry 1', 'entry 2', 'entry 4'])
})

test('bytes of another journal, or of another key, do not pass for a frame', async () => {
  await journal.write(1)
  const [record] = await collect(eachSegment(journal.records, NAME))
  const other = await JournalFixture.make()
  await other.write(1)
  await journal.change(() => Buffer.alloc(0))
  const foreign = await readFile(other.path())
  await writeFile(journal.path(), foreign)
  await expect(journal.writer()).rejects.toEqual(damage)
  await expect(journal.texts()).rejects.toEqual(damage)
  // Made with the right key, but never by this writer: the head tells.
  await writeFile(journal.path(), sealFrame(segmentKey(record!), payloadsOf([entry(9)])[0]!, NO_FRAME, true).bytes)
  await expect(journal.writer()).rejects.toEqual(damage)
  expect(await journal.problems()).not.toEqual([])
  await other.remove()
})

test('files are opened to be written at any place', async () => {
  await journal.write(1)
  const file = await openJournalFile(journal.path())
  const { length } = await readFile(journal.path())
  await file.write(Buffer.from('x'), 0)
  expect(await readFile(journal.path())).toHaveLength(length)
  await file.close()
})

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 1
  return bytes
}

class FailingCatalog extends MemoryCatalog {
  isFailing = false

  override commit(...args: Parameters<Catalog['commit']>): Promise<boolean> {
    return this.isFailing ? Promise.reject(new Error('the catalog fails')) : super.commit(...args)
  }
}
