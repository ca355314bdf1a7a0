import { createHash } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChunkedDecoder } from './chunked-decoder.ts'
import { readClaim, type SignedRequestFacts } from './claim.ts'
import { verify } from './verify.ts'

/** The credentials and times of AWS's own examples (S3 API reference, SigV4 examples). */
const ID = 'AKIAIOSFODNN7EXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const exampleMs = Date.parse('2013-05-24T00:00:00Z')
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const host = 'examplebucket.s3.amazonaws.com'
const options = { secretAccessKey, nowMs: exampleMs, region: 'us-east-1', service: 's3' }

const check = (request: SignedRequestFacts, more = {}) => verify(readClaim(request)!, request, { ...options, ...more })
const authorization = (signedHeaders: string, signature: string) =>
  `AWS4-HMAC-SHA256 Credential=${ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`

const getObject: SignedRequestFacts = {
  method: 'GET',
  rawPath: '/test.txt',
  rawQuery: '',
  headers: {
    host,
    range: 'bytes=0-9',
    'x-amz-content-sha256': EMPTY,
    'x-amz-date': '20130524T000000Z',
    authorization: authorization(
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
  },
}

describe('AWS examples', () => {
  test('GET object with a range', () => {
    expect(check(getObject).payload).toEqual({ kind: 'hash', hex: EMPTY })
  })

  test('list with a query', () => {
    const request = {
      method: 'GET',
      rawPath: '/',
      rawQuery: 'max-keys=2&prefix=J',
      headers: {
        host,
        'x-amz-content-sha256': EMPTY,
        'x-amz-date': '20130524T000000Z',
        authorization: authorization(
          'host;x-amz-content-sha256;x-amz-date',
          '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
        ),
      },
    }
    expect(check(request).accessKeyId).toBe(ID)
  })

  const presigned = {
    method: 'GET',
    rawPath: '/test.txt',
    rawQuery:
      `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${ID}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request` +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    headers: { host },
  }
  test('presigned URL, and its end', () => {
    expect(check(presigned)).toMatchObject({ by: 'query', payload: { kind: 'unsigned' } })
    expect(() => check(presigned, { nowMs: exampleMs + 86_401_000 })).toThrow('Request has expired')
  })

  test('upload in signed chunks', () => {
    const verified = check({
      method: 'PUT',
      rawPath: '/examplebucket/chunkObject.txt',
      rawQuery: '',
      headers: {
        host: 's3.amazonaws.com',
        'x-amz-date': '20130524T000000Z',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '66560',
        'content-length': '66824',
        authorization: authorization(
          'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
          '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
        ),
      },
    })
    const body = Buffer.from(
      `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${'a'.repeat(65_536)}\r\n` +
        `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n` +
        '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
    )
    for (const step of [1000, 65_600, body.length]) {
      const decoder = new ChunkedDecoder({ seed: verified.chunkSeed, trailer: false })
      const out: Uint8Array[] = []
      for (let at = 0; at < body.length; at += step) out.push(...decoder.push(body.subarray(at, at + step)))
      decoder.end(body.length)
      expect(Buffer.concat(out).equals(Buffer.alloc(66_560, 'a'))).toBe(true)
    }
    const tampered = Buffer.from(body)
    tampered[70_000 - 4000] = 0x62
    const decoder = new ChunkedDecoder({ seed: verified.chunkSeed, trailer: false })
    expect(() => decoder.push(tampered)).toThrow('ChunkSignatureMismatch')
  })
})

test.each([
  ['another secret', {}, { secretAccessKey: 'other' }, 'SignatureDoesNotMatch'],
  ['16 minutes late', {}, { nowMs: exampleMs + 960_000 }, 'RequestTimeTooSkewed'],
  ['16 minutes early', {}, { nowMs: exampleMs - 960_000 }, 'RequestTimeTooSkewed'],
  ['another region', {}, { region: 'eu-west-1' }, 'AuthorizationHeaderMalformed'],
  ['another service', {}, { service: 'kms' }, 'AuthorizationHeaderMalformed'],
  ['a changed header', { range: 'bytes=0-8' }, {}, 'SignatureDoesNotMatch'],
  ['an unsigned x-amz header', { 'x-amz-acl': 'public-read' }, {}, 'AccessDenied'],
  ['no payload hash', { 'x-amz-content-sha256': undefined }, {}, 'InvalidRequest'],
  ['SigV2 by header', { authorization: `AWS ${ID}:abc` }, {}, 'InvalidRequest'],
])('%s is refused', (_, headers, more, code) => {
  const all = Object.fromEntries(
    Object.entries({ ...getObject.headers, ...headers }).filter(([, value]) => value !== undefined),
  )
  expect(() => check({ ...getObject, headers: all }, more)).toThrow(expect.objectContaining({ code }))
})

test('what an independent signer signs is accepted', async () => {
  class Sha256 {
    #hash
    constructor(secret?: string | Uint8Array) {
      this.#hash = secret === undefined ? createHash('sha256') : undefined
      this.secret = secret
    }
    readonly secret: string | Uint8Array | undefined
    readonly #pieces: Uint8Array[] = []
    update(data: string | Uint8Array) {
      this.#pieces.push(typeof data === 'string' ? Buffer.from(data) : data)
    }
    async digest() {
      const { createHmac } = await import('node:crypto')
      const hash = this.#hash ?? createHmac('sha256', this.secret!)
      for (const piece of this.#pieces) hash.update(piece)
      return new Uint8Array(hash.digest())
    }
    reset() {}
  }
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: { accessKeyId: ID, secretAccessKey },
    uriEscapePath: false,
    // biome-ignore lint/suspicious/noExplicitAny: the constructor's hash type is wider than what it calls
    sha256: Sha256 as any,
  })
  const word = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.isWellFormed())
  await fc.assert(
    fc.asyncProperty(word, fc.dictionary(word, word, { maxKeys: 3 }), async (objectKey, query) => {
      const encode = (text: string) =>
        encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
      const rawPath = `/bucket/${encode(objectKey)}`
      const signed = await signer.sign(
        {
          method: 'GET',
          protocol: 'https:',
          hostname: host,
          path: rawPath,
          query,
          headers: { host, 'x-amz-content-sha256': EMPTY },
        },
        { signingDate: new Date(exampleMs) },
      )
      const rawQuery = Object.entries(query)
        .map(([name, value]) => `${encode(name)}=${encode(value)}`)
        .join('&')
      const headers = Object.fromEntries(
        Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value]),
      )
      expect(check({ method: 'GET', rawPath, rawQuery, headers }).accessKeyId).toBe(ID)
    }),
  )
})

describe('unsigned chunks with a trailer', () => {
  const decode = (text: string, step = text.length) => {
    const decoder = new ChunkedDecoder({ seed: undefined, trailer: true })
    const bytes = Buffer.from(text)
    let out = ''
    for (let at = 0; at < bytes.length; at += step)
      for (const piece of decoder.push(bytes.subarray(at, at + step))) out += Buffer.from(piece)
    decoder.end(bytes.length)
    return { out, trailers: decoder.trailers }
  }
  const good = '3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'

  test.each([1, 2, 7, 100])('are decoded from pieces of %d bytes', (step) => {
    expect(decode(good, step)).toEqual({ out: 'abcde', trailers: { 'x-amz-checksum-crc32': 'AAAAAA==' } })
  })

  test.each([
    ['cut', good.slice(0, 12), 'BodyIncomplete'],
    ['no last chunk', '3\r\nabc\r\n', 'BodyIncomplete'],
    ['a wrong size', '2\r\nabc\r\n0\r\n\r\n', 'ChunkMalformed'],
    ['no number', 'zz\r\nabc\r\n0\r\n\r\n', 'ChunkMalformed'],
    ['bytes behind', `${good}x\r\n`, 'ChunkMalformed'],
  ])('%s is refused', (_, text, code) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ code }))
  })
})
