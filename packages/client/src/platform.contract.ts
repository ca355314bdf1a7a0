/** What a platform must do, whichever it is. */
import { concat, DataKey, HEADER_BYTES, SealError, sealedSize } from '@strongroom/crypto'
import { describe, expect, test } from 'vitest'
import { chunked, hex, patterned, SIZES, same } from './content/bodies.fixture.ts'
import { type Chunks, chunksOf, collect } from './content/chunks.ts'
import type { Platform } from './platform.ts'

export function platformContract(platform: Platform): void {
  const parameters = () => ({ key: patterned(32), iv: patterned(12), associatedData: hex('0073') })
  const sealAll = async (plaintext: Uint8Array, size: number) => {
    const encryptor = platform.gcmEncryptor(parameters())
    const out: Uint8Array[] = []
    for await (const chunk of chunked(plaintext, size)) out.push(encryptor.update(chunk))
    return concat([...out, await encryptor.final()])
  }
  const openAll = async (sealed: Uint8Array, tag = sealed.subarray(-16)) => {
    const decryptor = platform.gcmDecryptor(parameters())
    return concat([decryptor.update(sealed.subarray(0, -16)), await decryptor.final(tag)])
  }

  describe('GCM', () => {
    // McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
    test('a known answer', async () => {
      const encryptor = platform.gcmEncryptor({
        key: hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
        iv: hex('cafebabefacedbaddecaf888'),
        associatedData: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
      })
      const update = encryptor.update(
        hex(
          'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
        ),
      )
      expect(Buffer.from(concat([update, await encryptor.final()])).toString('hex')).toBe(
        '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
      )
    })

    test.each(SIZES)('%d bytes', async (size) => {
      const plaintext = patterned(size)
      const sealed = await sealAll(plaintext, 10_000)
      expect(sealed.length).toBe(size + 16)
      expect(same(sealed, await sealAll(plaintext, 2 ** 20))).toBe(true)
      expect(same(await openAll(sealed), plaintext)).toBe(true)
    })

    test('a tag that is another, or shorter, is refused', async () => {
      const sealed = await sealAll(patterned(40), 40)
      for (const tag of [patterned(16), sealed.slice(-16, -4), new Uint8Array(0)]) {
        await expect(openAll(sealed, tag)).rejects.toMatchObject({ code: 'BodyNotAuthentic' })
      }
    })

    // A Buffer is special, since `slice` of it is no copy.
    test.each([
      ['a Uint8Array', (bytes: Uint8Array) => new Uint8Array(bytes)],
      ['a Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
    ])('keeps neither key nor chunk, each %s', async (_, kind) => {
      const given = { key: kind(patterned(32)), iv: kind(patterned(12)), associatedData: kind(hex('0073')) }
      const encryptor = platform.gcmEncryptor(given)
      const decryptor = platform.gcmDecryptor(given)
      expect(same(given.key, patterned(32))).toBe(true)
      for (const bytes of Object.values(given)) bytes.fill(0)

      const chunk = kind(patterned(100))
      const out = encryptor.update(chunk)
      chunk.fill(0)
      const sealed = concat([out, await encryptor.final()])
      expect(same(sealed, await sealAll(patterned(100), 100))).toBe(true)
      const ciphertext = kind(sealed.subarray(0, -16))
      const opened = decryptor.update(ciphertext)
      ciphertext.fill(0)
      expect(same(concat([opened, await decryptor.final(sealed.subarray(-16))]), patterned(100))).toBe(true)
    })
  })

  test('seals and opens segments', async () => {
    const dataKey = () => new DataKey(patterned(32))
    const context = { streamId: patterned(16), partNumber: 1 }
    const plaintext = patterned(70_000)
    const sealer = await platform.sealer(dataKey(), context)
    const body = concat([...(await sealer.update(plaintext)), ...(await sealer.final())])
    expect(sealer.header.length + body.length).toBe(sealedSize(70_000))
    const opener = await platform.opener(dataKey(), sealer.header, context)
    const pieces = [
      await opener.openSegment(0, false, body.subarray(0, 65_552)),
      await opener.openSegment(1, true, body.subarray(65_552)),
    ]
    expect(same(concat(pieces), plaintext)).toBe(true)
    await expect((async () => opener.openSegment(0, true, body.subarray(0, 65_552)))()).rejects.toThrow(SealError)
    const another = new Uint8Array(sealer.header)
    another[HEADER_BYTES - 1]! ^= 1
    await expect(platform.opener(dataKey(), another, context)).rejects.toThrow(SealError)
  })

  describe('its stream', () => {
    type Stream = AsyncIterable<Uint8Array>
    const streamed = (chunks: Chunks) => platform.toStream(chunks) as Stream

    test('gives all, as many bytes as there are', async () => {
      const bytes = patterned(300_000)
      expect(same(await collect(streamed(chunked(bytes, 7_001))), bytes)).toBe(true)
      expect(await collect(streamed(chunked(new Uint8Array(0))))).toHaveLength(0)
    })

    test('gives no more than its reader asks for', async () => {
      let given = 0
      async function* endless() {
        for (;;) {
          given++
          yield new Uint8Array(65_536)
        }
      }
      for await (const _ of streamed(chunksOf(endless(), () => {}))) if (given > 0) break
      expect(given).toBeLessThan(4)
    })

    test('passes an error on', async () => {
      const failing = chunksOf(
        (async function* () {
          yield patterned(10)
          throw new Error('of the source')
        })(),
        () => {},
      )
      await expect(collect(streamed(failing))).rejects.toThrow('of the source')
    })

    test('read in part, ends what it reads', async () => {
      const chunks = chunked(patterned(100_000), 1_000)
      for await (const _ of streamed(chunks)) break
      await expect.poll(() => chunks.freed).toBe(true)
    })

    test('ended unread, or while it waits, ends what it reads', async () => {
      const end = (stream: unknown) =>
        stream instanceof ReadableStream ? void stream.cancel() : (stream as { destroy(): void }).destroy()
      const unread = chunked(patterned(10))
      end(platform.toStream(unread))
      await expect.poll(() => unread.freed).toBe(true)

      let freed = false
      let asked = false
      let wake = () => {}
      async function* stalled(): AsyncGenerator<Uint8Array> {
        asked = true
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const stream = platform.toStream(
        chunksOf(stalled(), () => {
          freed = true
          wake()
        }),
      )
      if (stream instanceof ReadableStream) {
        const reader = stream.getReader()
        const read = reader.read()
        await expect.poll(() => asked).toBe(true)
        await reader.cancel()
        expect(await read).toMatchObject({ done: true })
      } else {
        const readable = stream as { resume(): void; destroy(): void }
        readable.resume()
        await expect.poll(() => asked).toBe(true)
        readable.destroy()
      }
      await expect.poll(() => freed).toBe(true)
    })
  })
}
