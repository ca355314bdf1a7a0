import { DataKey, HEADER_BYTES, sealedSize } from '@strongroom/crypto'
import { sealBytes } from '@strongroom/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  changed,
  chunked,
  copyOf,
  PLATFORMS,
  patterned,
  reading,
  SIZES,
  same,
  type WatchedChunks,
} from './bodies.fixture.ts'
import { collect } from './chunks.ts'
import { openSealedBody, openSealedRange, sealBody } from './sealed-body.ts'

const context = { streamId: patterned(16), partNumber: 1 }
const dataKey = () => new DataKey(patterned(32))
/** Small segments, so that a small body has many. */
const seal = (plaintext: Uint8Array, segmentBytes?: number) =>
  sealBytes(dataKey(), context, plaintext, segmentBytes === undefined ? {} : { segmentBytes })

describe.each(PLATFORMS)('on %s', (_, platform) => {
  const open = (body: Uint8Array, sealedBytes = body.length, size = 50_000) =>
    openSealedBody(platform, chunked(body, size), sealedBytes, dataKey(), context)
  /** All that comes out, wherever the error is thrown. */
  const read = async (body: Uint8Array, sealedBytes?: number) => {
    try {
      return await reading((await open(body, sealedBytes, 7)).chunks)
    } catch (error) {
      return { bytes: new Uint8Array(0), code: (error as { code: string }).code }
    }
  }

  test.each(SIZES)('%d bytes there and back', async (size) => {
    const plaintext = patterned(size)
    const { header, chunks } = await sealBody(platform, chunked(plaintext, 30_000), dataKey(), context)
    const body = await collect(chunks)
    expect(body.length).toBe(sealedSize(size))
    expect(same(body.subarray(0, HEADER_BYTES), header)).toBe(true)
    const opened = await open(body)
    expect(opened.plaintextBytes).toBe(size)
    expect(same(await collect(opened.chunks), plaintext)).toBe(true)
  })

  test.each([0, 5])('%d bytes, changed in whatever way, give nothing', async (size) => {
    const body = seal(patterned(size))
    for (const other of changed(body)) {
      for (const sealedBytes of new Set([body.length, other.length])) {
        const { bytes, code } = await read(other, sealedBytes)
        expect(bytes.length).toBe(0)
        expect(['BodyNotAuthentic', 'CommitmentMismatch']).toContain(code)
      }
    }
  })

  test('what is given out before a change is what was written', async () => {
    const plaintext = patterned(40)
    const body = seal(plaintext, 16)
    for (const other of changed(body)) {
      for (const sealedBytes of new Set([body.length, other.length])) {
        const { bytes, code } = await read(other, sealedBytes)
        expect(['BodyNotAuthentic', 'CommitmentMismatch']).toContain(code)
        expect(bytes.length).toBeLessThan(40)
        expect(same(bytes, plaintext.subarray(0, bytes.length))).toBe(true)
      }
    }
  })

  test('segments cannot be dropped, exchanged or ended before', async () => {
    const body = seal(patterned(48), 16)
    const segment = (index: number) => body.subarray(HEADER_BYTES + index * 32, HEADER_BYTES + (index + 1) * 32)
    for (const order of [[0], [0, 1], [0, 2], [1, 0, 2], [0, 1, 1, 2], [0, 1, 2, 2], []]) {
      const other = Buffer.concat([body.subarray(0, HEADER_BYTES), ...order.map(segment)])
      expect((await read(other)).code).toBe('BodyNotAuthentic')
    }
  })

  test('another key, context or commitment', async () => {
    const body = seal(patterned(10))
    const mismatch = { code: 'CommitmentMismatch' }
    const tries = [
      [new DataKey(new Uint8Array(32)), context],
      [dataKey(), { ...context, partNumber: 2 }],
      [dataKey(), { ...context, streamId: new Uint8Array(16) }],
    ] as const
    for (const [key, where] of tries) {
      const sealed = chunked(body)
      await expect(openSealedBody(platform, sealed, body.length, key, where)).rejects.toMatchObject(mismatch)
      expect(sealed.freed).toBe(true)
    }
  })

  test('a key wiped once the body has opened is no longer needed', async () => {
    const key = dataKey()
    const { chunks } = await sealBody(platform, chunked(patterned(200_000)), key, context)
    key.wipe()
    const body = await collect(chunks)
    const again = dataKey()
    const opened = await openSealedBody(platform, chunked(body), body.length, again, context)
    again.wipe()
    expect(same(await collect(opened.chunks), patterned(200_000))).toBe(true)
  })

  test('ended early, or unread, ends its source', async () => {
    const body = seal(patterned(200_000))
    for (const end of [
      async (chunks: AsyncIterable<Uint8Array>) => {
        for await (const _ of chunks) break
      },
      async (chunks: { return(): Promise<unknown> }) => void (await chunks.return()),
    ]) {
      const sealed = chunked(body)
      await end((await openSealedBody(platform, sealed, body.length, dataKey(), context)).chunks)
      expect(sealed.freed).toBe(true)
      const source = chunked(patterned(200_000))
      await end((await sealBody(platform, source, dataKey(), context)).chunks)
      // The header comes before anything is read, so leaving there has nothing to free but what `return` frees.
      expect(source.freed).toBe(true)
    }
  })
})

describe.each(PLATFORMS)('ranges on %s', (_, platform) => {
  /** Opens from a store that has `body` and says that it is `sealedBytes` long; keeps what was fetched. */
  function store(body: Uint8Array, sealedBytes = body.length) {
    const fetched: [number, number][] = []
    const given: WatchedChunks[] = []
    const open = (start: number, endExclusive: number) =>
      openSealedRange(
        platform,
        {
          header: body.subarray(0, HEADER_BYTES),
          sealedBytes,
          range: { start, endExclusive },
          async fetch(from, to) {
            fetched.push([from, to])
            const chunks = chunked(body.subarray(from, to), 20)
            given.push(chunks)
            return chunks
          },
        },
        dataKey(),
        context,
      )
    return { open, fetched, given }
  }

  test('any range is the slice, and nothing is fetched twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 200 }), fc.nat(), fc.nat({ max: 250 }), async (size, at, length) => {
        const plaintext = patterned(size)
        const { open, fetched, given } = store(seal(plaintext, 16))
        const start = at % (size + 1)
        const opened = await open(start, start + length)
        expect(opened.plaintextBytes).toBe(size)
        expect(opened.range).toEqual({ start, endExclusive: Math.min(size, start + length) })
        expect(same(await collect(opened.chunks), plaintext.subarray(start, start + length))).toBe(true)
        expect(fetched.length).toBeLessThanOrEqual(2)
        const [final, span] = fetched
        if (final && span) expect(span[1]).toBeLessThanOrEqual(final[0])
        expect(given.every((chunks) => chunks.freed)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('to the end, and across segments of the usual size', async () => {
    const plaintext = patterned(200_000)
    const { open, fetched } = store(seal(plaintext))
    expect(same(await collect((await open(65_000, Number.POSITIVE_INFINITY)).chunks), plaintext.subarray(65_000))).toBe(
      true,
    )
    expect(fetched).toEqual([
      [72 + 3 * 65_552, sealedSize(200_000)],
      [72, 72 + 3 * 65_552],
    ])
  })

  test('a body cut at a segment shows before anything is given out, wherever the range', async () => {
    const body = seal(patterned(64), 16)
    const cut = body.subarray(0, -32)
    for (const sealedBytes of [cut.length, body.length]) {
      const { open, given } = store(cut, sealedBytes)
      await expect(open(0, 5)).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
      expect(given.every((chunks) => chunks.freed)).toBe(true)
    }
  })

  test('changed segments of the range give nothing; others are not looked at', async () => {
    const plaintext = patterned(64)
    const body = seal(plaintext, 16)
    for (let at = HEADER_BYTES; at < body.length; at++) {
      const other = copyOf(body)
      other[at]! ^= 1
      const segment = Math.floor((at - HEADER_BYTES) / 32)
      const opening = store(other).open(16, 32)
      if (segment === 3) await expect(opening).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
      else if (segment === 1) {
        expect(await reading((await opening).chunks)).toEqual({ bytes: Buffer.alloc(0), code: 'BodyNotAuthentic' })
      } else expect(same(await collect((await opening).chunks), plaintext.subarray(16, 32))).toBe(true)
    }
  })

  test('a store that gives more or less than was asked for', async () => {
    const body = seal(patterned(64), 16)
    for (const extra of [-1, 1]) {
      const opened = openSealedRange(
        platform,
        {
          header: body.subarray(0, HEADER_BYTES),
          sealedBytes: body.length,
          range: { start: 0, endExclusive: 20 },
          fetch: async (from, to) => chunked(body.subarray(from, to === body.length ? to : to + extra)),
        },
        dataKey(),
        context,
      )
      const { bytes, code } = await reading((await opened).chunks)
      expect([bytes.length, code]).toEqual([16, 'BodyNotAuthentic'])
    }
  })

  test('a range behind the end is none, and nothing is fetched for it', async () => {
    const { open, fetched } = store(seal(patterned(10)))
    await expect(open(11, 12)).rejects.toThrow(RangeError)
    expect(fetched).toEqual([])
  })

  test('unread, ends what it fetched', async () => {
    const { open, given } = store(seal(patterned(200), 16))
    await (await open(0, 100)).chunks.return()
    expect(given.map((chunks) => chunks.freed)).toEqual([true, true])
  })
})
