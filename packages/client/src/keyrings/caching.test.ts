import { DataKey } from '@strongroom/crypto'
import { expect, test } from 'vitest'
import type { ContentAlgorithm } from '../suites.ts'
import { type CachingKeyringOptions, cachingKeyring } from './caching.ts'
import { describeKeyring } from './keyring.contract.ts'
import type { Description, Keyring, WrapRequest } from './keyring.ts'
import { multiKeyring } from './multi.ts'
import { rawAesKeyring } from './raw-aes.ts'
import { forContent, toHex } from './wraps.fixture.ts'

const aes = (byte: number) => rawAesKeyring({ wrappingKey: new Uint8Array(32).fill(byte) })

describeKeyring('a keyring that caches', () => ({
  keyring: cachingKeyring(aes(1), { maxAgeMs: 60_000 }),
  another: cachingKeyring(aes(2), { maxAgeMs: 60_000 }),
  foreign: 'kms+context',
}))

/**
 * A caching keyring with a clock, the calls that reach the one behind it, and the data keys that came from there: in the
 * order of the calls, since those under way together end in any.
 */
function rig(options: Partial<CachingKeyringOptions> = {}, inner: Keyring = aes(1)) {
  const made: DataKey[] = []
  let asked = 0
  const calls = { generate: 0, unwrap: 0 }
  const clock = { ms: 1_000 }
  const counting: Keyring = {
    ...inner,
    async generate(request) {
      calls.generate++
      const place = asked++
      const generated = await inner.generate(request)
      made[place] = generated.dataKey
      return generated
    },
    async unwrap(wrapped, request) {
      calls.unwrap++
      const place = asked++
      const dataKey = await inner.unwrap(wrapped, request)
      if (dataKey) made[place] = dataKey
      return dataKey
    },
  }
  const keyring = cachingKeyring(counting, { maxAgeMs: 1_000, now: () => clock.ms, ...options })
  return { keyring, calls, clock, made }
}

const body = (
  contentAlgorithm: ContentAlgorithm = '115',
  plaintextBytes = 10,
  context: Description = {},
): WrapRequest => ({
  ...forContent(contentAlgorithm, context),
  plaintextBytes,
})

const isWiped = (dataKey: DataKey) => {
  try {
    dataKey.bytes()
    return false
  } catch {
    return true
  }
}

test.each<[string, Partial<CachingKeyringOptions>, WrapRequest[], number]>([
  ['equal requests', {}, [body(), body(), body()], 1],
  [
    'contexts that differ in order only',
    {},
    [body('115', 1, { a: '1', b: '2' }), body('115', 1, { b: '2', a: '1' })],
    1,
  ],
  ['contexts that differ', {}, [body('115', 1, { a: '1' }), body('115', 1, { a: '2' }), body('115', 1)], 3],
  ['content algorithms that differ', {}, [body('115'), body('strongroom/sealed/1')], 2],
  ['what does not commit', {}, [body('AES/GCM/NoPadding'), body('AES/GCM/NoPadding')], 2],
  ['what does not commit, then what does', {}, [body('AES/GCM/NoPadding'), body('115')], 2],
  ['lengths unknown', {}, [forContent('115'), forContent('115')], 2],
  ['more messages than allowed', { maxMessages: 2 }, [body(), body(), body(), body(), body()], 3],
  ['more bytes than allowed', { maxBytes: 25 }, [body(), body(), body(), body()], 2],
  ['bytes up to what is allowed', { maxBytes: 30 }, [body(), body(), body()], 1],
  ['one body larger than allowed', { maxBytes: 5 }, [body(), body()], 2],
  ['empty bodies', { maxBytes: 5 }, [body('115', 0), body('115', 0)], 1],
  ['more entries than allowed', { maxEntries: 1 }, [body(), body('115', 1, { a: '1' }), body()], 3],
])('%s', async (_, options, requests, generated) => {
  const { keyring, calls } = rig(options)
  for (const request of requests) {
    const { dataKey, wraps } = await keyring.generate(request)
    expect(toHex((await aes(1).unwrap(wraps[0], request))!.bytes())).toBe(toHex(dataKey.bytes()))
    dataKey.wipe()
  }
  expect(calls.generate).toBe(generated)
})

test('a data key is used until its age, then wiped', async () => {
  const { keyring, calls, clock, made } = rig()
  await keyring.generate(body())
  clock.ms += 999
  await keyring.generate(body())
  expect([calls.generate, isWiped(made[0]!)]).toEqual([1, false])
  clock.ms += 1
  await keyring.generate(body('115', 1, { other: 'x' }))
  expect([calls.generate, isWiped(made[0]!)]).toEqual([2, true])
  await keyring.generate(body())
  expect(calls.generate).toBe(3)
})

test('what leaves the cache is wiped, and what was given out is not', async () => {
  const { keyring, made } = rig({ maxMessages: 1 })
  const first = await keyring.generate(body())
  const second = await keyring.generate(body())
  expect(made.map(isWiped)).toEqual([true, false])
  keyring.clear()
  await new Promise(setImmediate)
  expect(made.map(isWiped)).toEqual([true, true])
  expect(first.dataKey.bytes()).not.toEqual(second.dataKey.bytes())
})

test('who asks at once shares one call, up to what one data key may do', async () => {
  const { keyring, calls, made } = rig({ maxMessages: 4 })
  const all = await Promise.all(Array.from({ length: 10 }, () => keyring.generate(body())))
  expect(calls.generate).toBe(3)
  const keys = all.map(({ dataKey }) => toHex(dataKey.bytes()))
  expect([...new Set(keys)].map((key) => keys.filter((other) => other === key).length)).toEqual([4, 4, 2])
  expect(new Set(all.map(({ dataKey }) => dataKey)).size).toBe(10)
  expect(made.map(isWiped)).toEqual([true, true, false])
})

test('clearing while a data key is under way leaves those who wait theirs', async () => {
  const { keyring, made } = rig()
  const waiting = [keyring.generate(body()), keyring.generate(body())]
  keyring.clear()
  for (const { dataKey } of await Promise.all(waiting)) expect(isWiped(dataKey)).toBe(false)
  expect(made.map(isWiped)).toEqual([true])
})

test('a failure is told to all who wait, and not kept', async () => {
  let failures = 1
  const inner: Keyring = {
    ...aes(1),
    generate: (request) => (failures-- > 0 ? Promise.reject(new Error('throttled')) : aes(1).generate(request)),
  }
  const { keyring, calls } = rig({}, inner)
  const [one, two] = await Promise.allSettled([keyring.generate(body()), keyring.generate(body())])
  expect([one.status, two.status, calls.generate]).toEqual(['rejected', 'rejected', 1])
  await keyring.generate(body())
  await keyring.generate(body())
  expect(calls.generate).toBe(2)
})

test('all wraps of a sealed object are kept with its data key', async () => {
  const { keyring, calls } = rig({}, multiKeyring({ generator: aes(1), children: [aes(2)] }))
  const request = body('strongroom/sealed/1')
  const first = await keyring.generate(request)
  const second = await keyring.generate(request)
  expect(second.wraps).toEqual(first.wraps)
  expect([first.wraps.length, calls.generate]).toEqual([2, 1])
})

test('reading asks once for equal wraps, content algorithms and contexts', async () => {
  const { keyring, calls, clock } = rig()
  const request = forContent('115', { a: '1' })
  const [wrapped] = await aes(1).wrap(new DataKey(new Uint8Array(32).fill(5)), request)
  const [one, two] = await Promise.all([keyring.unwrap(wrapped, request), keyring.unwrap(wrapped, request)])
  one!.wipe()
  expect(toHex(two!.bytes())).toBe('05'.repeat(32))
  expect(calls.unwrap).toBe(1)

  await keyring.unwrap({ ...wrapped, description: { b: '2' } }, request)
  await keyring.unwrap(wrapped, forContent('115', { a: '2' }))
  await expect(keyring.unwrap({ ...wrapped, algorithm: 'AESWrap' }, request)).rejects.toThrow()
  await expect(keyring.unwrap({ ...wrapped, bytes: wrapped.bytes.subarray(1) }, request)).rejects.toThrow()
  expect(calls.unwrap).toBe(5)
  clock.ms += 1_000
  await keyring.unwrap(wrapped, request)
  expect(calls.unwrap).toBe(6)
})

test('what was opened for a format that does not commit serves no request for one that does (CVE-2026-6550)', async () => {
  /** One that, unlike ours, opens a wrap for whatever content algorithm is asked for. */
  const careless: Keyring = {
    ...aes(1),
    unwrap: async (_, { contentAlgorithm }) => new DataKey(new Uint8Array(32).fill(contentAlgorithm === '115' ? 3 : 2)),
  }
  const { keyring } = rig({}, careless)
  const wrapped = { algorithm: 'AES/GCM', bytes: new Uint8Array(60), description: {} } as const
  const open = async (contentAlgorithm: ContentAlgorithm) =>
    (await keyring.unwrap(wrapped, forContent(contentAlgorithm)))!.bytes()[0]
  expect([await open('AES/GCM/NoPadding'), await open('115'), await open('AES/GCM/NoPadding')]).toEqual([2, 3, 2])
})

test('that no keyring fits is not kept', async () => {
  const { keyring, calls } = rig()
  const wrapped = { algorithm: 'kms', bytes: new Uint8Array(60), description: {} } as const
  expect(await keyring.unwrap(wrapped, forContent('115'))).toBeUndefined()
  expect(await keyring.unwrap(wrapped, forContent('115'))).toBeUndefined()
  expect(calls.unwrap).toBe(2)
})

test.each([
  { maxAgeMs: 0 },
  { maxMessages: 1.5 },
  { maxBytes: -1 },
  { maxEntries: Number.NaN },
  { maxAgeMs: 'x' as never },
])('refuses %o', (options) => {
  expect(() => rig(options)).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }))
})
