/** The client package's known answers in Chromium, by the bundle that a user's own page would have. */
import { createCipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complaintsOf, launchChromium } from '../support/chromium.ts'
import { has } from '../support/clients.ts'
import type * as knownAnswers from '../support/known-answers.ts'
import { root } from '../support/server.ts'
import { bundled, type Site, serveSite } from '../support/site.ts'

const parsed = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'))
const bodies = parsed('packages/client/vectors/bodies.json')
const wraps = parsed('packages/client/vectors/wraps.json')
const streams = parsed('packages/crypto/vectors/sealed-stream-1.json')
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
const pem = (base64: string) => `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`

let site: Site
let browser: BrowserContext
let page: Page
let complaints: readonly string[]

describe.skipIf(!has('chromium'))('in Chromium', () => {
  beforeAll(async () => {
    const entry = join(root, 'test/support/known-answers.ts')
    const lib = { formats: ['es' as const], entry, fileName: 'known-answers' }
    const script = await bundled({ root, publicDir: false, build: { lib, minify: true } })
    site = await serveSite(new Map([...script, ['/index.html', '<!doctype html><link rel="icon" href="data:,">']]))
    browser = await launchChromium()
    page = await browser.newPage()
    complaints = complaintsOf(page)
    await page.goto(site.origin)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
    expect(complaints).toEqual([])
  })

  // As text, since what the test runner makes of an import is not for a browser.
  const inPage = <Name extends keyof typeof knownAnswers>(
    name: Name,
    ...inputs: Parameters<(typeof knownAnswers)[Name]>
  ): ReturnType<(typeof knownAnswers)[Name]> =>
    page.evaluate(
      `import('/known-answers.js').then((answers) => answers.${name}(...${JSON.stringify(inputs)}))`,
    ) as never

  test('objects of every format and wrap', async () => {
    const v3 = (name: string, code: string, wrap: string, description = '{}') => ({
      name,
      metadata: {
        'x-amz-c': '115',
        'x-amz-3': wrap,
        'x-amz-w': code,
        'x-amz-m': description,
        'x-amz-d': base64(bodies.V3.commitment),
        'x-amz-i': base64(bodies.V3.messageId),
      },
      body: base64(bodies.V3.body),
    })
    const v2 = (algorithm: string, wrap: string) => ({
      name: `${algorithm}, V2`,
      metadata: {
        'x-amz-key-v2': wrap,
        'x-amz-iv': base64(bodies.V2.iv),
        'x-amz-cek-alg': 'AES/GCM/NoPadding',
        'x-amz-wrap-alg': algorithm,
        'x-amz-tag-len': '128',
        'x-amz-matdesc': '{}',
      },
      body: base64(bodies.V2.body),
    })
    const iv = Buffer.alloc(16, 7)
    const cbc = createCipheriv('aes-256-cbc', Buffer.from(wraps.dataKey, 'hex'), iv)
    const v1 = (wrap: string) => ({
      name: 'AES, V1',
      metadata: { 'x-amz-key': wrap, 'x-amz-iv': iv.toString('base64'), 'x-amz-matdesc': '{}' },
      body: Buffer.concat([cbc.update(bodies.plaintext), cbc.final()]).toString('base64'),
    })
    const [gcm2, gcm3, keyWrap, ecb] = wraps.aes.wraps.map(({ bytes }: { bytes: string }) => base64(bytes))
    const [oaep3, oaep2, oaepOfSha256] = wraps.rsa.wraps.map(({ bytes }: { bytes: string }) => bytes)
    const { passphrase } = wraps
    const objects = [
      v3('AES/GCM, V3', '02', gcm3),
      v3('RSA-OAEP-SHA1, V3', '22', oaep3),
      v3('passphrase, V3', '02', base64(passphrase.bytes), JSON.stringify(passphrase.description)),
      v2('AES/GCM', gcm2),
      v2('AESWrap', keyWrap),
      v2('RSA-OAEP-SHA1', oaep2),
      v1(ecb),
      // Mask generation with SHA-1 is not in Web Crypto.
      v2('RSA/ECB/OAEPWithSHA-256AndMGF1Padding', oaepOfSha256),
    ]
    const keys = { aes: wraps.aes.wrappingKey, rsaPem: pem(wraps.rsa.pkcs8), passphrase: passphrase.passphrase }
    const answers = await inPage('openObjects', objects, keys)
    const plaintext = Buffer.from(bodies.plaintext).toString('base64')
    expect(answers).toEqual(objects.map(({ name }, at) => [name, at < 7 ? plaintext : 'InvalidConfiguration']))
  })

  test('sealed streams', async () => {
    const answers = await inPage('openStreams', streams)
    expect(answers.length).toBeGreaterThan(30)
    expect(answers).toEqual(
      streams.map(({ name, plaintext }: { name: string; plaintext?: string }) => [name, plaintext ?? 'SealError']),
    )
  })
})
