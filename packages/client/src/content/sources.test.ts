import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { chunked, patterned } from './bodies.fixture.ts'
import { collect } from './chunks.ts'
import { byteLength, bytesOf } from './sources.ts'

const TEXT = 'Grüße, 世界 😀'
const BYTES = new TextEncoder().encode(TEXT)
const webStream = (...chunks: unknown[]) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })

test.each([
  ['nothing', () => undefined, new Uint8Array(0), 0],
  ['null', () => null, new Uint8Array(0), 0],
  ['no text', () => '', new Uint8Array(0), 0],
  ['text', () => TEXT, BYTES, BYTES.length],
  ['bytes', () => BYTES, BYTES, BYTES.length],
  ['a Buffer', () => Buffer.from(TEXT), BYTES, BYTES.length],
  ['part of a buffer', () => patterned(100).subarray(3, 7), patterned(100).slice(3, 7), 4],
  ['an ArrayBuffer', () => BYTES.slice().buffer, BYTES, BYTES.length],
  ['another view', () => new DataView(patterned(100).buffer, 8, 16), patterned(100).slice(8, 24), 16],
  ['more than a MiB', () => patterned(3_000_000), patterned(3_000_000), 3_000_000],
  ['a Blob', () => new Blob([TEXT, BYTES]), Uint8Array.from([...BYTES, ...BYTES]), 2 * BYTES.length],
  [
    'a ReadableStream',
    () => webStream(BYTES, TEXT, new Uint8Array(0)),
    Uint8Array.from([...BYTES, ...BYTES]),
    undefined,
  ],
  [
    'a Readable',
    () => Readable.from([BYTES, Buffer.from('a')], { objectMode: false }),
    Uint8Array.from([...BYTES, 97]),
    undefined,
  ],
  ['a Readable that gives text', () => Readable.from([TEXT]), BYTES, undefined],
  ['a Readable with an encoding', () => Readable.from([Buffer.from(BYTES)]).setEncoding('utf8'), BYTES, undefined],
  [
    'a generator',
    async function* () {
      yield BYTES.buffer.slice(0)
      yield TEXT
    },
    Uint8Array.from([...BYTES, ...BYTES]),
    undefined,
  ],
  ['bytes of ours', () => chunked(BYTES, 3), BYTES, undefined],
])('%s', async (_, body, expected, length) => {
  expect(byteLength(body())).toBe(length)
  const pieces: Uint8Array[] = []
  for await (const piece of bytesOf(body())) pieces.push(piece)
  expect(Buffer.compare(Buffer.concat(pieces), expected)).toBe(0)
  expect(pieces.every((piece) => piece.length > 0 && piece.length <= 2 ** 20)).toBe(true)
})

test.each([
  ['a number', 5],
  ['an object', { a: 1 }],
  ['an array', [BYTES]],
  ['a function', () => BYTES],
])('%s is no body', (_, body) => {
  expect(() => bytesOf(body)).toThrow(expect.objectContaining({ code: 'UnsupportedParameter' }))
  expect(byteLength(body)).toBeUndefined()
})

test.each([
  ['a Readable of objects', () => Readable.from([{ a: 1 }])],
  ['a ReadableStream of numbers', () => webStream(1)],
  [
    'a generator of arrays',
    async function* () {
      yield [1]
    },
  ],
])('%s is refused where it is read, and ended', async (_, body) => {
  const stream = body()
  await expect(collect(bytesOf(stream))).rejects.toMatchObject({ code: 'UnsupportedParameter' })
  if (stream instanceof Readable) expect(stream.destroyed).toBe(true)
})

test('the error of a stream passes through', async () => {
  const failing = new Readable({
    read() {
      this.destroy(new Error('of the stream'))
    },
  })
  await expect(collect(bytesOf(failing))).rejects.toThrow('of the stream')
  await expect(collect(bytesOf(createReadStream('/nonexistent')))).rejects.toMatchObject({ code: 'ENOENT' })
})

describe('ends what it reads', () => {
  const KINDS = [
    [
      'a Readable',
      () => {
        const stream = new Readable({ read() {} })
        stream.push(BYTES)
        return { body: stream, ended: () => stream.destroyed }
      },
    ],
    [
      'a ReadableStream',
      () => {
        let cancelled = false
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(BYTES),
          cancel() {
            cancelled = true
          },
        })
        return { body, ended: () => cancelled }
      },
    ],
  ] as const

  test.each(KINDS)('%s, unread', async (_, make) => {
    const { body, ended } = make()
    await bytesOf(body).return()
    expect(ended()).toBe(true)
  })

  test.each(KINDS)('%s, read in part', async (_, make) => {
    const { body, ended } = make()
    for await (const _ of bytesOf(body)) break
    expect(ended()).toBe(true)
  })

  test.each(KINDS)('%s, while it waits', async (_, make) => {
    const { body, ended } = make()
    const bytes = bytesOf(body)
    await bytes.next()
    const settled = bytes.next().catch((error: NodeJS.ErrnoException) => error.code)
    await bytes.return()
    expect(ended()).toBe(true)
    expect(['ERR_STREAM_PREMATURE_CLOSE', undefined]).toContainEqual(
      await settled.then((result) => (typeof result === 'object' ? result.value : result)),
    )
  })
})
