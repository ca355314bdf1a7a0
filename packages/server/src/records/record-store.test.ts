import { deriveKey, MessageKey } from '@strongroom/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { ascending, descending, name, prefixEnd } from './names.ts'
import { defineRecord, RecordStore } from './record-store.ts'

interface Note {
  readonly text: string
}
const note = defineRecord<Note>({ label: 'note', prefix: 'N', formatVersion: 1 })
const cachedNote = defineRecord<Note>({ label: 'cached note', prefix: 'C', formatVersion: 1, cached: true })

function make() {
  const catalog = new MemoryCatalog()
  return { catalog, records: new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(9)).derive('records')) }
}

test('a record comes back by name, in order, and nothing of it stands in clear', async () => {
  const { catalog, records } = make()
  await records.commit(
    [],
    [records.put(note, name('b'), { text: 'marked' }), records.put(note, name('a'), { text: 'é' })],
  )
  expect((await records.get(note, name('b')))?.value).toEqual({ text: 'marked' })
  expect((await records.range(note, { gte: name('a'), lt: name('z'), limit: 9 })).map((r) => r.value.text)).toEqual([
    'é',
    'marked',
  ])
  const [entry] = await catalog.range({ gte: name('Nb'), lt: name('Nc'), limit: 1 })
  expect(Buffer.from(entry!.value).includes('marked')).toBe(false)
})

test('a value that was moved, changed or made under another root key is reported as damaged', async () => {
  const { catalog, records } = make()
  await records.commit([], [records.put(note, name('a'), { text: 'x' })])
  const [entry] = await catalog.getMany([name('Na')])
  const flipped = Uint8Array.from(entry!.value)
  flipped[flipped.length - 1]! ^= 1
  const version = Uint8Array.from(entry!.value)
  version[1] = 2
  await catalog.commit(
    [],
    [
      { key: name('Nmoved'), value: entry!.value },
      { key: name('Nflipped'), value: flipped },
      { key: name('Nversion'), value: version },
    ],
  )
  for (const place of ['moved', 'flipped', 'version']) {
    await expect(records.get(note, name(place))).rejects.toMatchObject({ code: 'Damaged' })
  }
  const other = new RecordStore(catalog, StoreKey.of(new Uint8Array(32).fill(8)).derive('records'))
  await expect(other.get(note, name('a'))).rejects.toMatchObject({ code: 'Damaged' })
})

test('a record of layout 1 names no version of the store key, and is of the first', async () => {
  const { catalog, records } = make()
  const key = new MessageKey(deriveKey(new Uint8Array(32).fill(9), 'strongroom root records'))
  const sealed = key.seal(Buffer.from('{"text":"old"}'), name('Na', new Uint8Array([1])))
  await catalog.commit([], [{ key: name('Na'), value: name(new Uint8Array([1, 1]), sealed) }])
  expect((await records.get(note, name('a')))?.value).toEqual({ text: 'old' })
  await records.commit([], [records.put(note, name('a'), { text: 'new' })])
  const [entry] = await catalog.getMany([name('Na')])
  expect([...entry!.value.subarray(0, 6)]).toEqual([2, 1, 0, 0, 0, 1])
})

test('a cached kind is never stale', async () => {
  const { records } = make()
  for (const text of ['one', 'two']) {
    await records.commit([], [records.put(cachedNote, name('a'), { text })])
    expect((await records.get(cachedNote, name('a')))?.value.text).toBe(text)
    expect((await records.get(cachedNote, name('a')))?.value.text).toBe(text)
  }
  await records.commit([], [records.remove(cachedNote, name('a'))])
  expect(await records.get(cachedNote, name('a'))).toBeUndefined()
})

test('two kinds cannot share a prefix', () => {
  expect(() => defineRecord({ label: 'other', prefix: 'N', formatVersion: 1 })).toThrow()
})

test('number encodings order as their numbers do', () => {
  const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  fc.assert(
    fc.property(number, number, (a, b) => {
      const sign = a < b ? -1 : a > b ? 1 : 0
      expect(Math.sign(Buffer.compare(ascending(a), ascending(b)))).toBe(sign)
      expect(Math.sign(Buffer.compare(descending(a), descending(b))) + sign).toBe(0)
    }),
  )
})

test('prefixEnd bounds exactly the names that begin with the prefix', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.uint8Array({ maxLength: 5 }), (prefix, other) => {
      if (prefix.every((byte) => byte === 0xff)) return
      const begins = Buffer.compare(other.subarray(0, prefix.length), prefix) === 0
      const inside = Buffer.compare(other, prefix) >= 0 && Buffer.compare(other, prefixEnd(prefix)) < 0
      expect(inside).toBe(begins)
      const buffer = Buffer.from(prefix)
      prefixEnd(buffer)
      expect([...buffer]).toEqual([...prefix])
    }),
  )
})

test('places of one store have names of their own, and commit together', async () => {
  const { catalog, records } = make()
  const [here, there] = [records, records.within(name('eu-west-1', new Uint8Array(1)))]
  const wide = { gte: name('a'), lt: name('z'), limit: 9 }
  const both = (text: string) => [
    here.put(cachedNote, name('x'), { text }),
    there.put(cachedNote, name('x'), { text: `${text}!` }),
  ]
  await here.commit([here.still(cachedNote, name('x'), undefined)], both('one'))
  const stored = (await there.get(cachedNote, name('x')))!
  expect([stored.value.text, Buffer.from(stored.name).toString()]).toEqual(['one!', 'x'])
  expect((await there.range(cachedNote, wide)).map((one) => Buffer.from(one.name).toString())).toEqual(['x'])
  expect((await there.names(cachedNote, wide)).map((one) => Buffer.from(one).toString())).toEqual(['x'])
  expect((await catalog.getMany([name('Cx'), name('Ceu-west-1\0x')])).every(Boolean)).toBe(true)
  // What holds in one place is checked for a commit to another.
  await there.commit([], [there.put(cachedNote, name('x'), { text: 'two' })])
  expect(await here.commit([there.unchanged(cachedNote, stored)], both('three'))).toBe(false)
  expect((await here.get(cachedNote, name('x')))?.value.text).toBe('one')
  expect(await records.within(name('other')).get(cachedNote, name('x'))).toBeUndefined()
})
