/** What every catalog must do, as tests; each implementation's own test file runs them. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Catalog } from './catalog.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const put = (key: string, value: string) => ({ key: bytes(key), value: bytes(value) })
const remove = (key: string) => ({ key: bytes(key), value: undefined })

export function describeCatalog(
  name: string,
  make: () => Promise<{ catalog: Catalog; end: () => Promise<void> }>,
): void {
  describe(name, () => {
    let catalog: Catalog
    let end: () => Promise<void>
    beforeEach(async () => {
      const made = await make()
      catalog = made.catalog
      end = made.end
    })
    afterEach(() => end())

    const read = async (key: string) => {
      const [entry] = await catalog.getMany([bytes(key)])
      return entry && { value: Buffer.from(entry.value).toString('latin1'), version: entry.version }
    }
    const keys = async (gte: string, lt: string, limit = 100, reverse = false) =>
      (await catalog.range({ gte: bytes(gte), lt: bytes(lt), limit, reverse })).map((e) =>
        Buffer.from(e.key).toString('latin1'),
      )

    test('gives back what was committed, and undefined for what was not', async () => {
      expect(await catalog.commit([], [put('a', '1'), put('b', ''), put('c', 'x'.repeat(100_000))])).toBe(true)
      expect((await read('a'))?.value).toBe('1')
      expect((await read('b'))?.value).toBe('')
      expect((await read('c'))?.value.length).toBe(100_000)
      expect(await read('d')).toBeUndefined()
    })

    test('what is asked for may be longer than any key that there is', async () => {
      const long = 'b'.repeat(1978)
      await catalog.commit([], [put('a', '1'), put(long, '2'), put('c', '3')])
      const longer = long + 'b'.repeat(20_000)
      expect(await read(longer)).toBeUndefined()
      expect(await catalog.commit([{ key: bytes(longer), version: 1 }], [put('d', '4')])).toBe(false)
      expect(await keys(longer, 'z')).toEqual(['c'])
      expect(await keys('a', longer)).toEqual(['a', long])
      expect(await keys('a', longer, 100, true)).toEqual([long, 'a'])
      expect(await keys(longer, 'z', 100, true)).toEqual(['c'])
    })

    test('a failed check writes nothing at all', async () => {
      await catalog.commit([], [put('a', '1')])
      const { version } = (await read('a'))!
      expect(await catalog.commit([{ key: bytes('a'), version: version + 1 }], [put('b', '2')])).toBe(false)
      expect(await catalog.commit([{ key: bytes('a'), version: undefined }], [put('b', '2')])).toBe(false)
      expect(await catalog.commit([{ key: bytes('x'), version }], [put('b', '2'), remove('a')])).toBe(false)
      expect(await read('b')).toBeUndefined()
      expect((await read('a'))?.value).toBe('1')
      expect(
        await catalog.commit(
          [
            { key: bytes('a'), version },
            { key: bytes('x'), version: undefined },
          ],
          [put('a', '2'), remove('nothing')],
        ),
      ).toBe(true)
    })

    test('a version never returns, also after a remove', async () => {
      const seen = new Set<number>()
      for (let i = 0; i < 20; i++) {
        await catalog.commit([], [put('a', 'same')])
        seen.add((await read('a'))!.version)
        if (i % 3 === 0) await catalog.commit([], [remove('a')])
      }
      expect(seen.size).toBe(20)
    })

    test('of commits that race for one key exactly one wins each round', async () => {
      await catalog.commit([], [put('n', '0')])
      const increment = async (): Promise<void> => {
        for (;;) {
          const { value, version } = (await read('n'))!
          if (await catalog.commit([{ key: bytes('n'), version }], [put('n', String(Number(value) + 1))])) return
        }
      }
      await Promise.all(Array.from({ length: 20 }, increment))
      expect((await read('n'))?.value).toBe('20')
    })

    test('ranges are bytewise, half open, bounded, in both directions', async () => {
      const names = ['a', 'a\x00', 'a\x7f', 'a\x80', 'a\xff', 'b', '\xff\xff']
      await catalog.commit(
        [],
        names.map((name) => put(name, name)),
      )
      expect(await keys('a', 'b')).toEqual(names.slice(0, 5))
      expect(await keys('a\x00', '\xff\xff', 2)).toEqual(['a\x00', 'a\x7f'])
      expect(await keys('a', 'b', 2, true)).toEqual(['a\xff', 'a\x80'])
      expect(await keys('a', 'b\x00', 100, true)).toEqual(names.slice(0, 6).reverse())
      expect(await keys('x', 'y')).toEqual([])
    })

    test('keys of 1,978 bytes and values of 1 MiB are kept', async () => {
      const key = 'k'.repeat(1978)
      await catalog.commit([], [put(key, 'v'.repeat(2 ** 20))])
      expect((await read(key))?.value.length).toBe(2 ** 20)
    })

    test('behaves like a sorted map', async () => {
      const key = fc.stringMatching(/^[ab]{1,3}$/)
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(key, fc.option(fc.string()))), key, key, async (writes, a, b) => {
          await catalog.commit([], (await keys('a', 'c', 1000)).map(remove))
          const model = new Map<string, string>()
          for (const [k, v] of writes) {
            await catalog.commit([], [v === null ? remove(k) : { key: bytes(k), value: Buffer.from(v) }])
            if (v === null) model.delete(k)
            else model.set(k, v)
          }
          expect(await keys(a, b, 1000)).toEqual([...model.keys()].filter((k) => k >= a && k < b).sort())
        }),
        { numRuns: 30 },
      )
    })
  })
}
