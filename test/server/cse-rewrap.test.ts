/** `strongroom cse`: what an object is encrypted with, and another key for it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CseDesk, jsonOf, V2 } from '../support/cse.ts'
import { stored } from '../support/encryption.ts'

const desk = new CseDesk()
const { dir, aes, otherAes, rsa, cse, ok, url, get, put, head, file } = desk
beforeAll(() => desk.open())
afterAll(() => desk.close())
beforeEach(() => desk.newBucket())

describe('inspect', () => {
  test('tells of each format what its envelope says, without a key', async () => {
    const plain = await file('letter', 'dear reader')
    await ok(cse(['put', plain, url('v3'), '--key', aes, '--instruction-file']))
    await ok(cse(['put', plain, url('v2'), '--kms', desk.kmsKeyId, '--context', 'a=b', ...V2]))
    await ok(cse(['put', plain, url('sealed'), '--key', aes, '--key', rsa, '--format', 'sealed', '--context', 'a=b']))
    await put('clear', 'in clear')
    const id = /Id: (.*)/.exec(await readFile(aes, 'utf8'))![1]!
    expect(await jsonOf(cse(['inspect', url('v3'), '--json']))).toMatchObject({
      ...{ encrypted: true, plaintextBytes: 11, storedBytes: 27, refusal: null },
      encryption: { format: 'V3', location: 'instruction-file', wraps: [{ description: { 'strongroom-key': id } }] },
    })
    expect(await jsonOf(cse(['inspect', url('sealed'), '--json']))).toMatchObject({
      ...{ plaintextBytes: 11, refusal: null },
      encryption: {
        ...{ format: 'sealed', encryptionContext: { a: 'b' } },
        wraps: [{ algorithm: 'AES/GCM' }, { algorithm: 'RSA-OAEP-SHA1' }],
      },
    })
    const refused = await ok(cse(['inspect', url('v2')]))
    expect(refused.stdout.toString()).toMatch(/V2[\s\S]*"a":"b"[\s\S]*REQUIRE_ENCRYPT_REQUIRE_DECRYPT: refuses it/)
    const allowed = ['--commitment-policy', 'REQUIRE_ENCRYPT_ALLOW_DECRYPT']
    expect((await ok(cse(['inspect', url('v2'), ...allowed]))).stdout.toString()).toContain('reads it, with the key')
    expect(await jsonOf(cse(['inspect', url('clear'), '--json']))).toMatchObject({ encrypted: false, storedBytes: 8 })
    const absent = await cse(['inspect', url('absent')])
    expect(absent).toMatchObject({ code: 1 })
    expect(absent.stderr).toContain('there is no such object')
  })
})

describe('rewrap', () => {
  test('one object: the new key reads it, the old one no more, and the body is the same', async () => {
    const plain = await file('letter', 'dear reader')
    for (const format of [[], ['--instruction-file'], ['--format', 'sealed']]) {
      await ok(cse(['put', plain, url('k'), '--key', aes, '--metadata', 'of=mine', ...format]))
      const before = await stored(desk.s3, desk.bucket, 'k')
      const args = ['rewrap', url('k'), '--key', aes, '--to-key', otherAes]
      expect((await ok(cse(args))).stdout.toString()).toContain('1 rewrapped')
      expect((await stored(desk.s3, desk.bucket, 'k')).body).toEqual(before.body)
      expect((await head('k')).Metadata).toMatchObject({ of: 'mine' })
      expect((await get('k', '--key', otherAes)).toString()).toBe('dear reader')
      expect(await cse(['get', url('k'), '-', '--key', aes])).toMatchObject({ code: 1 })
      expect(await jsonOf(cse([...args, '--json']))).toMatchObject({ rewrapped: 0, already: 1 })
    }
    expect(await cse(['rewrap', url('k'), '--key', aes, '--to-kms', desk.kmsKeyId])).toMatchObject({ code: 1 })
  })

  test('a reader is taken away from a sealed object', async () => {
    const plain = await file('letter', 'dear reader')
    await ok(cse(['put', plain, url('k'), '--key', otherAes, '--key', aes, '--format', 'sealed']))
    await ok(cse(['rewrap', url('k'), '--key', aes, '--to-key', otherAes]))
    expect(await cse(['get', url('k'), '-', '--key', aes])).toMatchObject({ code: 1 })
    expect((await get('k', '--key', otherAes)).toString()).toBe('dear reader')
  })

  test('a prefix: passes over what is done, plain or an instruction file, and names what failed', async () => {
    const plain = await file('letter', 'dear reader')
    const third = join(dir, `third-${desk.bucket}.key`)
    await ok(cse(['keygen', '--out', third]))
    for (let i = 0; i < 3; i++) await ok(cse(['put', plain, url(`p/${i}`), '--key', aes]))
    await ok(cse(['put', plain, url('p/file'), '--key', aes, '--instruction-file']))
    await ok(cse(['put', plain, url('p/foreign'), '--key', third]))
    await ok(cse(['put', plain, url('q'), '--key', aes]))
    await put('p/plain and clear', 'in clear')
    const args = ['rewrap', url('p/'), '--recursive', '--key', aes, '--to-kms', desk.kmsKeyId, '--json']
    const first = await cse(args)
    expect(first.code).toBe(1)
    expect(JSON.parse(first.stdout.toString())).toMatchObject({
      ...{ rewrapped: 4, already: 0, plain: 1, instructionFile: 1 },
      failed: [{ key: 'p/foreign', reason: expect.stringContaining('DataKeyNotOpened') }],
    })
    expect(await jsonOf(cse(args))).toMatchObject({ rewrapped: 0, already: 4 })
    for (const key of ['p/0', 'p/1', 'p/2', 'p/file'])
      expect((await get(key, '--kms', desk.kmsKeyId)).toString()).toBe('dear reader')
    expect((await get('q', '--key', aes)).toString()).toBe('dear reader')
  })
})
