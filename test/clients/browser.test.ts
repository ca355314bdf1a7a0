/** examples/browser in Chromium, against a started server. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createEncryptingClient, rawAesKeyring, type WriteFormat } from '@strongroom/client'
import { passphraseKeyring } from '@strongroom/client/passphrase'
import { sealedSize } from '@strongroom/crypto'
import type { BrowserContext } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { has } from '../support/clients.ts'
import { patterned, stored, tamper } from '../support/encryption.ts'
import { ExamplePage } from '../support/example-page.ts'
import { s3Client } from '../support/sdk.ts'
import { root, startServer, type TestServer } from '../support/server.ts'
import { bundled, type Site, serveSite } from '../support/site.ts'

const Bucket = 'from-a-page'
const PASSPHRASE = 'correct horse battery staple'
const FORMATS: readonly WriteFormat[] = ['sealed', 's3-encryption-client']
const RADIO: Record<WriteFormat, RegExp> = { sealed: /^Sealed/, 's3-encryption-client': /^Amazon/ }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let server: TestServer
let s3: S3Client
let site: Site
let browser: BrowserContext
let page: ExamplePage

describe.skipIf(!has('chromium'))('in Chromium', () => {
  beforeAll(async () => {
    const folder = join(root, 'examples/browser')
    site = await serveSite(await bundled({ root: folder }))
    server = await startServer()
    s3 = s3Client(server)
    await s3.send(new CreateBucketCommand({ Bucket }))
    const [rule] = JSON.parse(readFileSync(join(folder, 'cors.json'), 'utf8')).CORSRules
    const CORSConfiguration = { CORSRules: [{ ...rule, AllowedOrigins: [site.origin] }] }
    await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }))
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
    await server?.remove()
  })
  beforeEach(async () => {
    page = await ExamplePage.open(browser, site.origin, {
      Endpoint: server.http,
      Bucket,
      'Access key ID': server.root.accessKeyId,
      'Secret access key': server.root.secretAccessKey,
      Passphrase: PASSPHRASE,
    })
  })
  afterEach(async () => {
    await page.close()
    expect(page.complaints).toEqual([])
  })

  const chooseFormat = (format: WriteFormat) => page.page.getByRole('radio', { name: RADIO[format] }).check()

  test('20 MiB go up encrypted, are read elsewhere, and come down again, with progress', async () => {
    const plaintext = randomBytes(20 * 2 ** 20 + 7)
    await page.upload('large.bin', plaintext)
    expect(await page.alert()).toBe('')
    expect(await page.status()).toBe('large.bin is stored, encrypted.')
    const up = await page.shown()
    expect(up).toEqual([...up].sort((a, b) => a - b))
    expect(new Set(up).size).toBeGreaterThan(3)
    expect(up.at(-1)).toBe(100)

    const { body, metadata } = await stored(s3, Bucket, 'large.bin')
    expect(Object.keys(metadata).sort()).toEqual(['strongroom-header', 'strongroom-keys', 'strongroom-sealed'])
    expect(body.length).toBe(sealedSize(plaintext.length))
    for (let at = 0; at < plaintext.length; at += 2 ** 20)
      expect(Buffer.from(body).includes(plaintext.subarray(at, at + 16))).toBe(false)

    const reader = createEncryptingClient(s3, { keyring: passphraseKeyring({ passphrase: PASSPHRASE }) })
    const { Body } = await reader.getObject({ Bucket, Key: 'large.bin' })
    expect(sha256(await Body.transformToByteArray())).toBe(sha256(plaintext))

    expect(sha256(await page.download('large.bin'))).toBe(sha256(plaintext))
    expect(page.saved).toEqual(['large.bin'])
    const down = await page.shown()
    expect(new Set(down).size).toBeGreaterThan(3)
    expect(down.at(-1)).toBe(100)
  })

  test.each(FORMATS)('a key file made in the page opens what Node.js wrote with it: %s', async (format) => {
    await page.field('By key file').check()
    const keyring = rawAesKeyring({ wrappingKey: await page.fileBy('Make a key file') })
    const plaintext = patterned(300_001)
    const key = `node/${format} größe.bin`
    await createEncryptingClient(s3, { keyring, format }).putObject({ Bucket, Key: key, Body: plaintext })
    await page.list('node/')
    expect(await page.download(key)).toEqual(Buffer.from(plaintext))
    expect(page.saved).toEqual(['strongroom.key', `${format} größe.bin`])
  })

  test.each(FORMATS)('by a passphrase, both ways: %s', async (format) => {
    const keyring = passphraseKeyring({ passphrase: PASSPHRASE })
    const client = createEncryptingClient(s3, { keyring, format })
    const plaintext = patterned(70_000)
    const Key = `passphrase/${format}`
    await client.putObject({ Bucket, Key, Body: plaintext })
    await page.list('passphrase/')
    expect(await page.download(Key)).toEqual(Buffer.from(plaintext))
    await chooseFormat(format)
    await page.upload('again.bin', plaintext)
    const { Body, Encryption } = await client.getObject({ Bucket, Key: 'passphrase/again.bin' })
    expect(Encryption.format).toBe(format === 'sealed' ? 'sealed' : 'V3')
    expect(Buffer.from(await Body.transformToByteArray())).toEqual(Buffer.from(plaintext))
  })

  test('a wrong passphrase opens nothing', async () => {
    const keyring = passphraseKeyring({ passphrase: 'wrong', memoryKiB: 64, passes: 1, lanes: 1 })
    await createEncryptingClient(s3, { keyring }).putObject({ Bucket, Key: 'wrong/a', Body: 'text' })
    await page.list('wrong/')
    expect(await page.refused('wrong/a')).toBe(
      'This is not the passphrase or key file that the object was encrypted with. (DataKeyNotOpened)',
    )
  })

  describe('with a key file from disk', () => {
    const wrappingKey = randomBytes(32)
    const keyring = rawAesKeyring({ wrappingKey })
    const write = (format: WriteFormat, Key: string, Body: Uint8Array) =>
      createEncryptingClient(s3, { keyring, format }).putObject({ Bucket, Key, Body })
    beforeEach(async () => {
      await page.field('By key file').check()
      await page.choose('Key file', 'mine.key', wrappingKey)
    })

    test('a file that the user picks is written', async () => {
      const plaintext = patterned(200_000)
      await write('sealed', 'picked/a', plaintext)
      await page.list('picked/')
      await page.pickFile('as it was')
      await page.press('Download picked/a')
      expect(await page.status()).toBe('a was decrypted and saved.')
      expect(await page.pickedFile()).toEqual(Buffer.from(plaintext))
      expect(page.saved).toEqual([])
    })

    test.each(FORMATS)('what was changed in the store is refused, and nothing is saved: %s', async (format) => {
      const Key = `changed/${format}`
      await write(format, Key, patterned(3_000_000))
      // At the end, so that the segments before it are whole.
      const flipped = (at: number, byte: number, end: number) => (at === end - 20 ? byte ^ 1 : byte)
      await tamper(s3, Bucket, Key, ({ body }) => ({ body: body.map((byte, at) => flipped(at, byte, body.length)) }))
      await page.list('changed/')
      const words = 'The stored object has been changed or cut. Nothing was saved. (BodyNotAuthentic)'
      expect(await page.refused(Key)).toBe(words)
      await page.pickFile('as it was')
      expect(await page.refused(Key)).toBe(words)
      expect((await page.pickedFile()).toString()).toBe('as it was')
    })

    test.each(FORMATS)('another key opens nothing: %s', async (format) => {
      const Key = `another/${format}`
      await write(format, Key, patterned(1000))
      await page.list('another/')
      await page.choose('Key file', 'other.key', randomBytes(32))
      expect(await page.refused(Key)).toContain('(DataKeyNotOpened)')
      await page.choose('Key file', 'short.key', randomBytes(31))
      expect(await page.refused(Key)).toContain('(InvalidConfiguration)')
      await page.field('By passphrase').check()
      expect(await page.refused(Key)).toContain('(NoKeyringFits)')
    })

    test('an upload that is cancelled leaves nothing in the store', async () => {
      // As soon as some of it has gone.
      await page.page.evaluate(() => {
        const cancel = document.querySelector<HTMLButtonElement>('#cancel')!
        const observer = new MutationObserver(() => cancel.click())
        observer.observe(document.querySelector('progress')!, { attributeFilter: ['value'] })
      })
      await page.field('Prefix').fill('cancelled/')
      await page.upload('large.bin', randomBytes(48 * 2 ** 20))
      expect(await page.alert()).toBe('Cancelled.')
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'cancelled/' }))
      expect(Contents).toBeUndefined()
      const uploads = async () => (await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads
      await expect.poll(uploads, { timeout: 10_000 }).toBeUndefined()
    })

    test('a file too large for the format’s one tag is not begun', async () => {
      await chooseFormat('s3-encryption-client')
      await page.upload('larger.bin', new Uint8Array(64 * 2 ** 20 + 1))
      expect(await page.alert()).toContain('needs the sealed format')
    })
  })

  test('what is no encrypted object, and what the page may not see, it says in words', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'plain/a', Body: 'text' }))
    await page.list('plain/')
    expect(await page.refused('plain/a')).toBe('The object was not encrypted by a client. (NotEncrypted)')
    expect(page.complaints.splice(0)).toEqual([expect.stringContaining('404 (Not Found)')])

    await s3.send(new CreateBucketCommand({ Bucket: 'without-cors' }))
    await page.field('Bucket').fill('without-cors')
    await page.list('')
    expect(await page.alert()).toContain('the bucket’s CORS rules do not let this page in')
    expect(page.complaints.splice(0).join()).toContain('blocked by CORS policy')

    await page.field('Bucket').fill(Bucket)
    await page.field('Secret access key').fill('wrong')
    await page.list('')
    expect(await page.alert()).toContain('(SignatureDoesNotMatch)')
    expect(page.complaints.splice(0)).toEqual([expect.stringContaining('403 (Forbidden)')])
  })

  test('it fits a phone, and follows the system’s colours', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: `narrow/${'long'.repeat(40)}`, Body: 'text' }))
    await page.page.setViewportSize({ width: 320, height: 640 })
    await page.list('narrow/')
    expect(await page.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    const ground = async (colorScheme: 'light' | 'dark') => {
      await page.page.emulateMedia({ colorScheme })
      return page.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    }
    expect(await ground('light')).toBe('rgb(255, 255, 255)')
    expect(await ground('dark')).toBe('rgb(20, 24, 29)')
  })
})
