/** What every keyring that writes must do, as tests; each implementation's own test file runs them. */
import { DataKey } from '@strongroom/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ContentAlgorithm, WrapAlgorithm } from '../suites.ts'
import type { Keyring } from './keyring.ts'
import { forContent, knownDataKey, toHex, vectors } from './wraps.fixture.ts'

const WRITTEN: readonly ContentAlgorithm[] = ['115', 'AES/GCM/NoPadding', 'strongroom/sealed/1']

export function describeKeyring(
  name: string,
  /** Two of one kind with different wrapping keys, and a kind of wraps that is not theirs. */
  make: () => { keyring: Keyring; another: Keyring; foreign: WrapAlgorithm },
): void {
  describe(name, () => {
    const { keyring, another, foreign } = make()
    const notOpened = { name: 'EncryptionError', code: 'DataKeyNotOpened' }

    test.each(WRITTEN)('opens what it generated and what it wrapped for %s', async (contentAlgorithm) => {
      const request = forContent(contentAlgorithm, { purpose: 'test' })
      const { dataKey, wraps } = await keyring.generate(request)
      const generated = toHex(dataKey.bytes())
      expect(toHex((await keyring.unwrap(wraps[0], request))!.bytes())).toBe(generated)
      expect(toHex((await keyring.generate(request)).dataKey.bytes())).not.toBe(generated)

      const [wrapped] = await keyring.wrap(knownDataKey(), request)
      expect(toHex((await keyring.unwrap(wrapped, request))!.bytes())).toBe(vectors.dataKey)
    })

    test('does not open what another key wrapped', async () => {
      const { wraps } = await another.generate(forContent('115'))
      await expect(keyring.unwrap(wraps[0], forContent('115'))).rejects.toMatchObject(notOpened)
    })

    test('does not open a wrap for another content algorithm', async () => {
      for (const written of WRITTEN) {
        const { wraps } = await keyring.generate(forContent(written))
        for (const asked of ['AES/CBC/PKCS5Padding', ...WRITTEN] as const)
          if (asked !== written)
            await expect(keyring.unwrap(wraps[0], forContent(asked))).rejects.toMatchObject(notOpened)
      }
    })

    test('does not open a wrap of which a bit, the beginning or the end has changed', async () => {
      const [wrapped] = (await keyring.generate(forContent('115'))).wraps
      const opens = (bytes: Uint8Array) => keyring.unwrap({ ...wrapped, bytes }, forContent('115'))
      await fc.assert(
        fc.asyncProperty(fc.nat(wrapped.bytes.length * 8 - 1), async (bit) => {
          const bytes = wrapped.bytes.slice()
          bytes[bit >> 3]! ^= 1 << (bit & 7)
          await expect(opens(bytes)).rejects.toMatchObject(notOpened)
        }),
      )
      for (const bytes of [[], [...wrapped.bytes].slice(1), [...wrapped.bytes].slice(0, -1), [...wrapped.bytes, 0]])
        await expect(opens(Uint8Array.from(bytes))).rejects.toMatchObject(notOpened)
    })

    test('leaves wraps of another kind to others', async () => {
      const wrapped = { algorithm: foreign, bytes: new Uint8Array(60), description: {} }
      expect(await keyring.unwrap(wrapped, forContent('115'))).toBeUndefined()
    })

    test('gives each caller a data key of its own, and does not touch the one it is given', async () => {
      const dataKey = new DataKey(new Uint8Array(32).fill(5))
      const [wrapped] = await keyring.wrap(dataKey, forContent('115'))
      expect(toHex(dataKey.bytes())).toBe('05'.repeat(32))
      dataKey.wipe()
      const unwrap = () => keyring.unwrap(wrapped, forContent('115'))
      const [first, second] = await Promise.all([unwrap(), unwrap()])
      first!.wipe()
      expect(toHex(second!.bytes())).toBe('05'.repeat(32))
      expect(toHex((await unwrap())!.bytes())).toBe('05'.repeat(32))
    })
  })
}
