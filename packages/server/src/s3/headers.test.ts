import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readChecksum, readUploadChecksum } from './checksum-headers.ts'
import { requestedProtection } from './encryption-headers.ts'
import { conditions, requestedRange, storedHeaders, userMetadata } from './object-headers.ts'
import { readTarget } from './target.ts'

const SSE = 'x-amz-server-side-encryption'
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

describe('what a write asks of its encryption', () => {
  test.each([
    [{}, { kind: 'default' }],
    [{ [SSE]: 'AES256' }, { kind: 'AES256' }],
    [{ [SSE]: 'aws:kms' }, { kind: 'aws:kms', keyId: undefined, encryptionContext: undefined }],
    [
      { [SSE]: 'aws:kms:dsse', [`${SSE}-aws-kms-key-id`]: 'alias/a', [`${SSE}-context`]: base64({ a: 'b' }) },
      { kind: 'aws:kms:dsse', keyId: 'alias/a', encryptionContext: { a: 'b' } },
    ],
  ])('%j', (headers, expected) => {
    expect(requestedProtection(headers, true)).toEqual(expected)
  })

  test.each([
    [{ [SSE]: 'AES-256' }, 'MethodUnknown'],
    [{ [SSE]: 'aes256' }, 'MethodUnknown'],
    [{ [`${SSE}-aws-kms-key-id`]: 'x' }, 'KmsKeyIdWithoutKms'],
    [{ [SSE]: 'AES256', [`${SSE}-aws-kms-key-id`]: 'x' }, 'KmsKeyIdWithoutKms'],
    [{ [SSE]: 'aws:kms', [`${SSE}-context`]: 'no base64 of JSON' }, 'KmsContextInvalid'],
    [{ [SSE]: 'aws:kms', [`${SSE}-context`]: base64(['a']) }, 'KmsContextInvalid'],
    [{ [SSE]: 'aws:kms', [`${SSE}-context`]: base64({ a: 1 }) }, 'KmsContextInvalid'],
    [{ [SSE]: 'aws:kms', [`${SSE}-context`]: base64({ 'aws:s3:arn': 'mine' }) }, 'KmsContextInvalid'],
  ])('%j: %s', (headers, refusal) => {
    expect(() => requestedProtection(headers, true)).toThrow(
      expect.objectContaining({ detail: expect.objectContaining({ refusal }) }),
    )
  })

  test("a customer's key, over TLS only", () => {
    const key = Buffer.alloc(32, 1)
    const headers = {
      [`${SSE}-customer-algorithm`]: 'AES256',
      [`${SSE}-customer-key`]: key.toString('base64'),
      [`${SSE}-customer-key-md5`]: createHash('md5').update(key).digest('base64'),
    }
    const asked = requestedProtection(headers, true)
    expect(asked.kind === 'SSE-C' && [...asked.customerKey.key.bytes()]).toEqual([...key])
    expect(() => requestedProtection(headers, false)).toThrow(
      expect.objectContaining({ detail: { refusal: 'SseCRequiresTls' } }),
    )
  })
})

test.each([
  [undefined, undefined],
  ['bytes=0-9', { first: 0, last: 9 }],
  ['bytes=5-', { first: 5, last: undefined }],
  ['bytes=-5', { suffix: 5 }],
  ['bytes=-', undefined],
  ['bytes=9-5', undefined],
  ['bytes=0-1,3-4', undefined],
  ['items=0-1', undefined],
])('range %s', (header, expected) => {
  expect(requestedRange(header)).toEqual(expected)
})

test('conditions: entity tags with and without quotes, weak ones, lists; dates that are none count as absent', () => {
  expect(conditions({ 'if-match': '"a", W/"b",c', 'if-none-match': '*', 'if-modified-since': 'yesterday' })).toEqual({
    ifMatch: ['a', 'b', 'c'],
    ifNoneMatch: ['*'],
    ifModifiedSinceMs: undefined,
    ifUnmodifiedSinceMs: undefined,
  })
  const date = 'Wed, 21 Oct 2015 07:28:00 GMT'
  expect(conditions({ 'x-amz-copy-source-if-unmodified-since': date }, 'x-amz-copy-source-')).toMatchObject({
    ifUnmodifiedSinceMs: Date.parse(date),
  })
})

test('the framing of the transfer is no property of the object', () => {
  expect(storedHeaders({ 'content-encoding': 'aws-chunked' })).toEqual({})
  expect(storedHeaders({ 'content-encoding': 'gzip,aws-chunked' })).toEqual({ 'content-encoding': 'gzip' })
  expect(() => storedHeaders({ 'x-amz-storage-class': 'CELLAR' })).toThrow(
    expect.objectContaining({ code: 'InvalidStorageClass' }),
  )
})

test('user metadata: byte for byte, repeated names joined, 2 KB in all', () => {
  const raw = ['X-Amz-Meta-A', 'caf\u00e9 ', 'x-amz-meta-a', '2', 'Content-Type', 'x', 'x-amz-meta-b', '']
  expect(userMetadata(raw)).toEqual([
    ['a', 'caf\u00e9 ,2'],
    ['b', ''],
  ])
  expect(userMetadata(['x-amz-meta-a', 'x'.repeat(2047)])).toHaveLength(1)
  expect(() => userMetadata(['x-amz-meta-a', 'x'.repeat(2048)])).toThrow(
    expect.objectContaining({ code: 'MetadataTooLarge' }),
  )
})

describe('checksums', () => {
  test.each([
    [{}, { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', declared: false }],
    [{ 'x-amz-checksum-algorithm': 'crc32' }, { algorithm: 'CRC32', type: 'COMPOSITE', declared: true }],
    [{ 'x-amz-checksum-algorithm': 'CRC64NVME' }, { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', declared: true }],
    [
      { 'x-amz-checksum-algorithm': 'CRC32C', 'x-amz-checksum-type': 'FULL_OBJECT' },
      { algorithm: 'CRC32C', type: 'FULL_OBJECT', declared: true },
    ],
  ])('of an upload %j', (headers, expected) => {
    expect(readUploadChecksum(headers)).toEqual(expected)
  })

  test.each([
    { 'x-amz-checksum-type': 'COMPOSITE' },
    { 'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-type': 'FULL_OBJECT' },
    { 'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE' },
    { 'x-amz-checksum-algorithm': 'MD5' },
    { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'HALF' },
  ])('that cannot be: %j', (headers) => {
    expect(() => readUploadChecksum(headers)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
  })

  test('given by value: one, in base64 of its length', () => {
    expect(readChecksum({ 'x-amz-checksum-crc32': 'AAAAAA==' })).toEqual({ algorithm: 'CRC32', value: 'AAAAAA==' })
    expect(readChecksum({ 'x-amz-checksum-crc32': 'AAAAAA==-3' })).toMatchObject({ value: 'AAAAAA==-3' })
    for (const headers of [
      { 'x-amz-checksum-crc32': 'AAAA' },
      { 'x-amz-checksum-sha1': 'AAAAAA==' },
      { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' },
    ]) {
      expect(() => readChecksum(headers)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
    }
  })
})

test.each([
  ['/', 'localhost:9000', '', ''],
  ['/b', 'localhost:9000', 'b', ''],
  ['/b/', 'localhost:9000', 'b', ''],
  ['/b/a/c', 'localhost:9000', 'b', 'a/c'],
  ['/b//a', 'localhost:9000', 'b', '/a'],
  ['/b/%C3%BC%2Fx', 'localhost:9000', 'b', 'ü/x'],
  ['/b/a+b', 'localhost:9000', 'b', 'a+b'],
  ['/k/x', 'b.s3.localhost:9000', 'b', 'k/x'],
  ['/', 'dotted.name.s3.localhost', 'dotted.name', ''],
  ['/b/k', 's3.localhost', 'b', 'k'],
])('target of %s at %s', (path, host, bucket, objectKey) => {
  expect(readTarget(path, host, ['s3.localhost'])).toEqual({ bucket, objectKey })
})
