import { describe, expect, test } from 'vitest'
import { nodePlatform } from '../node/platform.ts'
import type { Platform, SpillFile } from '../platform.ts'
import { MAX_GCM_BYTES } from '../suites.ts'
import { webPlatform } from '../web/platform.ts'
import { BLOCK_BYTES } from './block-macs.ts'
import { changed, chunked, copyOf, PLATFORMS, patterned, reading, SIZES, same } from './bodies.fixture.ts'
import { chunksOf, collect } from './chunks.ts'
import { decryptGcmBody, encryptGcmBody, type LargeBodies, type SealedGcmBody } from './gcm-body.ts'

const parameters = { key: patterned(32), iv: patterned(12) }
const seal = (plaintext: Uint8Array) => collect(encryptGcmBody(nodePlatform, chunked(plaintext), parameters))
const inMemory = (body: Uint8Array, sealedBytes = body.length): SealedGcmBody => ({
  sealed: chunked(body),
  sealedBytes,
  parameters,
  bufferBytes: 2 ** 30,
  large: 'refuse',
})
const inTwoPasses = (body: Uint8Array, large: LargeBodies, again = body, sealedBytes = body.length): SealedGcmBody => ({
  sealed: chunked(body, 50_000),
  sealedBytes,
  parameters,
  bufferBytes: 0,
  large,
  readAgain: async () => chunked(again, 70_000),
})
const large = ['spill', 'read-twice'] as const

/** The platform with one spill that tells whether it is open, and whose bytes somebody may change. */
function watched(change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) {
  const pieces: Uint8Array[] = []
  const state = { closed: false, opened: 0, bytes: () => Buffer.concat(pieces) }
  const spill = async (): Promise<SpillFile> => {
    state.opened++
    return {
      async write(chunk) {
        pieces.push(copyOf(chunk))
      },
      async *read() {
        yield* chunked(change(Buffer.concat(pieces)), 300_000)
      },
      async close() {
        state.closed = true
      },
    }
  }
  const platform: Platform = { ...nodePlatform, twoPass: { ...nodePlatform.twoPass!, spill } }
  return { platform, state }
}

describe.each(PLATFORMS)('on %s', (_, platform) => {
  test.each(SIZES)('%d bytes there and back', async (size) => {
    const plaintext = patterned(size)
    const body = await collect(encryptGcmBody(platform, chunked(plaintext, 60_000), parameters))
    expect(same(body, await seal(plaintext))).toBe(true)
    const { plaintextBytes, chunks } = await decryptGcmBody(platform, inMemory(body))
    expect(plaintextBytes).toBe(size)
    expect(same(await collect(chunks), plaintext)).toBe(true)
  })

  test.each([0, 1, 20])('%d bytes, changed in whatever way, do not open', async (size) => {
    const body = await seal(patterned(size))
    for (const other of changed(body)) {
      const given = inMemory(other)
      await expect(decryptGcmBody(platform, given)).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
      expect((given.sealed as ReturnType<typeof chunked>).freed).toBe(true)
    }
  })

  test.each([-1, 1, -17, 100])('a length that is off by %d', async (off) => {
    const body = await seal(patterned(40))
    await expect(decryptGcmBody(platform, inMemory(body, body.length + off))).rejects.toMatchObject({
      code: 'BodyNotAuthentic',
    })
  })

  test('an encryption that ends early ends its source', async () => {
    const source = chunked(patterned(100_000), 1_000)
    const chunks = encryptGcmBody(platform, source, parameters)
    await chunks.return()
    expect(source.freed).toBe(true)
  })
})

describe.each(large)('more than memory, %s', (how) => {
  test.each([...SIZES, 3 * BLOCK_BYTES - 17, 3 * BLOCK_BYTES - 16, 3 * BLOCK_BYTES - 15, 3 * BLOCK_BYTES])(
    '%d bytes',
    async (size) => {
      const plaintext = patterned(size)
      const { plaintextBytes, chunks } = await decryptGcmBody(nodePlatform, inTwoPasses(await seal(plaintext), how))
      expect(plaintextBytes).toBe(size)
      expect(same(await collect(chunks), plaintext)).toBe(true)
    },
  )

  test('changed in whatever way, does not open, and leaves nothing behind', async () => {
    const body = await seal(patterned(20))
    for (const other of changed(body)) {
      const { platform, state } = watched()
      const given = inTwoPasses(other, how)
      await expect(decryptGcmBody(platform, given)).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
      expect(state.closed).toBe(state.opened > 0)
      expect((given.sealed as ReturnType<typeof chunked>).freed).toBe(true)
    }
  })

  test('the second reading is not the first: nothing of what changed is given out', async () => {
    const plaintext = patterned(2 * BLOCK_BYTES + 1_000)
    const body = await seal(plaintext)
    const changes: [string, (bytes: Uint8Array) => Uint8Array, number][] = [
      ['first byte', (bytes) => flip(bytes, 0), 0],
      ['end of the first block', (bytes) => flip(bytes, BLOCK_BYTES - 1), 0],
      ['begin of the second block', (bytes) => flip(bytes, BLOCK_BYTES), BLOCK_BYTES],
      ['last byte of ciphertext', (bytes) => flip(bytes, bytes.length - 17), 2 * BLOCK_BYTES],
      ['tag', (bytes) => flip(bytes, bytes.length - 1), 2 * BLOCK_BYTES],
      ['cut', (bytes) => bytes.subarray(0, -1), 2 * BLOCK_BYTES],
      ['cut to a block', (bytes) => bytes.subarray(0, BLOCK_BYTES), BLOCK_BYTES],
      ['cut to nothing', (bytes) => bytes.subarray(0, 0), 0],
      // The chunk that is too long begins in the second block, so nothing of it is looked at.
      ['extended', (bytes) => Buffer.concat([bytes, new Uint8Array(1)]), BLOCK_BYTES],
      [
        'blocks exchanged',
        (bytes) =>
          Buffer.concat([
            bytes.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES),
            bytes.subarray(0, BLOCK_BYTES),
            bytes.subarray(2 * BLOCK_BYTES),
          ]),
        0,
      ],
    ]
    for (const [name, change, given] of changes) {
      const { platform, state } = watched(change)
      const opened = await decryptGcmBody(platform, inTwoPasses(body, how, change(body)))
      const { bytes, code } = await reading(opened.chunks)
      expect([name, code, bytes.length]).toEqual([name, 'ChangedWhileRead', given])
      expect(same(bytes, plaintext.subarray(0, given))).toBe(true)
      expect(state.closed).toBe(how === 'spill')
    }
  })

  test('a key wiped once the body has opened is no longer needed', async () => {
    const body = await seal(patterned(100_000))
    const key = patterned(32)
    const { chunks } = await decryptGcmBody(nodePlatform, {
      ...inTwoPasses(body, how),
      parameters: { ...parameters, key },
    })
    key.fill(0)
    expect(same(await collect(chunks), patterned(100_000))).toBe(true)
  })
})

const flip = (bytes: Uint8Array, at: number) => {
  const other = copyOf(bytes)
  other[at]! ^= 1
  return other
}

describe('a spill', () => {
  const open = async () => {
    const { platform, state } = watched()
    const body = await seal(patterned(2 * BLOCK_BYTES))
    return { state, body, ...(await decryptGcmBody(platform, inTwoPasses(body, 'spill'))) }
  }

  test('holds ciphertext only, and is freed at the end', async () => {
    const { state, body, chunks } = await open()
    expect(same(state.bytes(), body)).toBe(true)
    expect(state.closed).toBe(false)
    await collect(chunks)
    expect(state.closed).toBe(true)
  })

  test('is freed where the reader stops early, or never begins', async () => {
    const stopped = await open()
    for await (const _ of stopped.chunks) break
    expect(stopped.state.closed).toBe(true)
    const unread = await open()
    await unread.chunks.return()
    expect(unread.state.closed).toBe(true)
  })

  test('that cannot be written is freed, and its error passes', async () => {
    const { platform, state } = watched()
    const { spill } = platform.twoPass!
    const full = async () => ({
      ...(await spill()),
      write: () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
    })
    const given = inTwoPasses(await seal(patterned(100)), 'spill')
    await expect(
      decryptGcmBody({ ...platform, twoPass: { ...platform.twoPass!, spill: full } }, given),
    ).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(state.closed).toBe(true)
    expect((given.sealed as ReturnType<typeof chunked>).freed).toBe(true)
  })
})

describe('reading twice', () => {
  test('asks again only once somebody reads, and ends what it got', async () => {
    const body = await seal(patterned(2 * BLOCK_BYTES))
    let asked = 0
    const again = chunked(body, 1_000)
    const readAgain = async () => {
      asked++
      return again
    }
    const { chunks } = await decryptGcmBody(nodePlatform, { ...inTwoPasses(body, 'read-twice'), readAgain })
    expect(asked).toBe(0)
    for await (const _ of chunks) break
    expect(asked).toBe(1)
    expect(again.freed).toBe(true)
  })

  test('needs a way to', async () => {
    const { readAgain: _, ...once } = inTwoPasses(await seal(patterned(20)), 'read-twice')
    await expect(decryptGcmBody(nodePlatform, once)).rejects.toMatchObject({ code: 'InvalidConfiguration' })
  })
})

describe('too large', () => {
  test.each([
    ['what may not be read otherwise', nodePlatform, 'refuse'],
    ['what the platform cannot read otherwise', webPlatform, 'spill'],
    ['what the platform cannot read otherwise', webPlatform, 'read-twice'],
  ] as const)('%s, %#', async (_, platform, how) => {
    const body = await seal(patterned(101))
    const given = { ...inTwoPasses(body, how), bufferBytes: 100 }
    await expect(decryptGcmBody(platform, given)).rejects.toMatchObject({
      code: 'BodyTooLarge',
      message: expect.stringMatching(/101 bytes.*raise bufferBytes.*sealed format/),
    })
    expect((given.sealed as ReturnType<typeof chunked>).freed).toBe(true)
    const fits = { ...inTwoPasses(body, how), bufferBytes: 101 }
    expect(same(await collect((await decryptGcmBody(platform, fits)).chunks), patterned(101))).toBe(true)
  })

  /** 64 GiB that take no time: a chunk over and over, and a cipher that only counts. */
  const counting = () => {
    const taken = { bytes: 0 }
    const platform: Platform = {
      ...nodePlatform,
      gcmEncryptor: () => ({
        update(chunk) {
          taken.bytes += chunk.length
          return new Uint8Array(0)
        },
        final: async () => new Uint8Array(16),
      }),
    }
    return { taken, platform }
  }
  async function* zeros(bytes: number) {
    const chunk = new Uint8Array(2 ** 30)
    for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, left)
  }

  test('a message ends at 2^36 - 32 bytes, and not a byte more is encrypted', async () => {
    const most = counting()
    await collect(
      encryptGcmBody(
        most.platform,
        chunksOf(zeros(MAX_GCM_BYTES), () => {}),
        parameters,
      ),
    )
    expect(most.taken.bytes).toBe(MAX_GCM_BYTES)
    const more = counting()
    const refused = collect(
      encryptGcmBody(
        more.platform,
        chunksOf(zeros(MAX_GCM_BYTES + 1), () => {}),
        parameters,
      ),
    )
    await expect(refused).rejects.toMatchObject({ code: 'BodyTooLarge' })
    expect(more.taken.bytes).toBeLessThan(MAX_GCM_BYTES)
  })

  test('nor is one read that says it is longer', async () => {
    const given = inMemory(new Uint8Array(0), MAX_GCM_BYTES + 17)
    await expect(decryptGcmBody(nodePlatform, given)).rejects.toMatchObject({ code: 'BodyTooLarge' })
  })
})
