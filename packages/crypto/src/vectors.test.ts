/** Every provider reads what the format's prose gives, and refuses what it refuses. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataKey, encodeContext, SealError, type StreamContext } from './index.ts'
import * as node from './node/index.ts'
import * as web from './web/index.ts'

interface Vector {
  readonly name: string
  readonly dataKey: string
  readonly streamId: string
  readonly partNumber: number
  readonly sealed: string
  readonly plaintext?: string
  readonly refused?: string
}
const vectors = JSON.parse(
  readFileSync(new URL('../vectors/sealed-stream-1.json', import.meta.url), 'utf8'),
) as readonly Vector[]
const PROVIDERS = { node, web }

describe.each(Object.entries(PROVIDERS))('%s', (_name, { openRange }) => {
  test.each(vectors)('$name', async ({ dataKey, streamId, partNumber, sealed, plaintext }) => {
    const key = new DataKey(Uint8Array.from(Buffer.from(dataKey, 'hex')))
    const context = { streamId: Buffer.from(streamId, 'hex'), partNumber }
    const opened = (async () => openRange(key, context, Buffer.from(sealed, 'base64')))()
    if (plaintext === undefined) await expect(opened).rejects.toThrow(SealError)
    else expect(Buffer.from(await opened).toString('base64')).toBe(plaintext)
  })
})

test('what one provider seals the other opens, whole and any range', async () => {
  const context: StreamContext = { streamId: new Uint8Array(16).fill(1), partNumber: 2 }
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(100),
      fc.nat(100),
      fc.constantFrom(...Object.values(PROVIDERS)),
      async (plaintext, a, b, sealing) => {
        const opening = sealing === node ? web : node
        const key = node.generateDataKey()
        const sealed = await sealing.sealBytes(key, context, plaintext, { segmentBytes: 16 })
        expect([...(await opening.openRange(key, context, sealed))]).toEqual([...plaintext])
        const start = Math.min(a, b, plaintext.length)
        const end = Math.min(Math.max(a, b), plaintext.length)
        const range = await opening.openRange(key, context, sealed, start, end)
        expect([...range]).toEqual([...plaintext.subarray(start, end)])
      },
    ),
    { numRuns: 50 },
  )
})

test('the web sealer gives the same stream however the plaintext is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }), async (chunks) => {
      const context: StreamContext = { streamId: new Uint8Array(16), partNumber: 1 }
      const key = node.generateDataKey()
      const sealer = await web.createSealer(key, context, { segmentBytes: 16 })
      const out = [sealer.header]
      for (const chunk of chunks) out.push(...(await sealer.update(chunk)))
      out.push(...(await sealer.final()))
      expect(node.openRange(key, context, Buffer.concat(out))).toEqual(Buffer.concat(chunks))
    }),
    { numRuns: 30 },
  )
})

test('messages and wrapped keys go between the providers, bound to their context', async () => {
  const bytes = new Uint8Array(32).fill(9)
  const [nodeKey, webKey] = [new node.MessageKey(bytes), await web.MessageKey.create(bytes)]
  const context = encodeContext({ bucket: 'b' })
  const dataKey = node.generateDataKey()
  const fromNode = node.wrapKey(nodeKey, dataKey, context)
  const fromWeb = await web.wrapKey(webKey, dataKey, context)
  expect((await web.unwrapKey(webKey, fromNode, context)).bytes()).toEqual(dataKey.bytes())
  expect([...node.unwrapKey(nodeKey, fromWeb, context).bytes()]).toEqual([...dataKey.bytes()])
  await expect(web.unwrapKey(webKey, fromNode, encodeContext({ bucket: 'c' }))).rejects.toThrow(SealError)
  await expect(webKey.open(fromNode.subarray(0, 30), context)).rejects.toThrow(SealError)
})
