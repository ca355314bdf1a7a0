/** Headers and targets of S3 requests, each read from a text as Node gives it: one character a byte. */
import { deepStrictEqual, ok } from 'node:assert'
import { Fault } from '../../packages/server/src/core/fault.ts'
import { resolveRange } from '../../packages/server/src/objects/objects.ts'
import type { SignedBody } from '../../packages/server/src/s3/authenticate.ts'
import { incomingBody } from '../../packages/server/src/s3/body.ts'
import { readCopySource } from '../../packages/server/src/s3/copy-source.ts'
import { S3Error } from '../../packages/server/src/s3/errors.ts'
import { conditions, requestedRange, storedHeaders, userMetadata } from '../../packages/server/src/s3/object-headers.ts'
import { tagsOfHeader } from '../../packages/server/src/s3/tags.ts'
import { readTarget } from '../../packages/server/src/s3/target.ts'
import { readTraceparent } from '../../packages/server/src/telemetry/traceparent.ts'
import { errorsOf, INHERITED, reading, type Target } from '../target.ts'

const refusals = errorsOf(S3Error)
const textOf = (input: Uint8Array) => Buffer.from(input).toString('latin1')

export const range: Target = {
  name: 'range',
  dictionary: ['bytes=', '-', ',', '0', '9', '99999999999999999999', '1e3', '0x1', ' ', '+', 'bytes', '9'.repeat(400)],
  check(input) {
    const requested = requestedRange(textOf(input))
    for (const size of requested ? [0, 1, 10, 2 ** 43] : []) {
      const read = reading(() => resolveRange(requested!, size), errorsOf(Fault))
      if ('refused' in read) continue
      const { start, endExclusive } = read.value
      ok(Number.isSafeInteger(start) && start >= 0 && start < endExclusive && endExclusive <= size, 'not in the object')
    }
  },
}

export const httpDate: Target = {
  name: 'http-date',
  dictionary: [
    ...[
      'Sun, ',
      '06 Nov 1994 ',
      '08:49:37',
      ' GMT',
      ' UTC',
      '+0000',
      '-2359',
      'Z',
      'T',
      '1994-11-06',
      '24:00:00',
      ':60',
    ],
    ...['275760', '-000001', '1', ' ', ',', '(', ')', '99999999999999999999', '31 Feb 2026'],
  ],
  check(input) {
    const { ifModifiedSinceMs: read } = conditions({ 'if-modified-since': textOf(input) })
    if (read === undefined) return
    const again = conditions({ 'if-modified-since': new Date(read).toUTCString() }).ifModifiedSinceMs
    const isNow = read >= 0 && read < FAR_MS
    if (isNow) deepStrictEqual(again, Math.floor(read / 1000) * 1000, 'another time when it is written again')
  },
}

/** Years of four digits. */
const FAR_MS = Date.UTC(10_000, 0)

export const copySource: Target = {
  name: 'copy-source',
  dictionary: [
    '/',
    '%2F',
    '%2f',
    '?versionId=',
    '%3FversionId=',
    '?',
    '%',
    '%25',
    '%zz',
    '%C3%A9',
    '%ED%A0%80',
    'null',
    '..',
  ],
  check(input) {
    const read = reading(() => readCopySource(textOf(input)), refusals)
    if ('refused' in read) return
    const { bucket, objectKey, versionId } = read.value
    const suffix = versionId === undefined ? '' : `?versionId=${versionId}`
    const again = readCopySource(`/${encodeURIComponent(bucket)}/${encodeURIComponent(objectKey)}${suffix}`)
    deepStrictEqual(again, read.value)
  },
}

export const target: Target = {
  name: 'target',
  dictionary: [
    '/',
    '//',
    '%2F',
    '%',
    '%00',
    '%zz',
    '%ED%A0%80',
    '..',
    '\nbucket.s3.example.com:9000',
    '\n',
    '.s3.example.com',
    'é',
  ],
  check(input) {
    const [path = '', host] = textOf(input).split('\n')
    for (const domains of [[], ['s3.example.com']]) {
      const read = reading(() => readTarget(path, host, domains), refusals)
      if ('refused' in read) continue
      const { bucket, objectKey } = read.value
      const again = `/${encodeURIComponent(bucket)}${objectKey === '' ? '' : `/${encodeURIComponent(objectKey)}`}`
      deepStrictEqual(readTarget(again, undefined, []), read.value)
    }
  },
}

/** Lines `name: value`. */
export const headers: Target = {
  name: 'headers',
  dictionary: [
    ...['\n', ': ', ',', '=', '&', '%', '"', 'W/', '*', 'aws-chunked', 'x-amz-meta-', 'x-amz-tagging: ', 'if-match: '],
    ...[
      'traceparent: ',
      'x-amz-trailer: ',
      'x-amz-checksum-crc32: ',
      'x-amz-checksum-sha256: ',
      'content-md5: ',
      'aws:',
    ],
    ...[
      'x-amz-decoded-content-length: ',
      'content-length: ',
      '1e3',
      '-1',
      'AAAAAA==',
      'x-amz-sdk-checksum-algorithm: ',
    ],
    ...[
      'x-amz-storage-class: ',
      'content-encoding: ',
      ...INHERITED,
      ...INHERITED.map((name) => `x-amz-trailer: ${name}`),
    ],
  ],
  check(input) {
    const rawHeaders = textOf(input)
      .split('\n')
      .flatMap((line) => /^([^:]+): ?(.*)$/s.exec(line)?.slice(1) ?? [])
    const named: Record<string, string> = {}
    for (let i = 0; i < rawHeaders.length; i += 2) named[rawHeaders[i]!.toLowerCase()] = rawHeaders[i + 1]!
    const tags = reading(() => tagsOfHeader(named), refusals)
    if ('value' in tags) {
      const written = tags.value.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
      deepStrictEqual(tagsOfHeader({ 'x-amz-tagging': written }), tags.value)
    }
    conditions(named)
    readTraceparent(named.traceparent)
    reading(() => storedHeaders(named), refusals)
    reading(() => userMetadata(rawHeaders), refusals)
    for (const payload of PAYLOADS) {
      const exchange = { request: { headers: named } } as unknown as Parameters<typeof incomingBody>[0]
      const body = reading(() => incomingBody(exchange, { payload, chunkSeed: undefined }), refusals)
      if ('value' in body) reading(() => body.value.expectations(), refusals)
    }
  },
}

const PAYLOADS: readonly SignedBody['payload'][] = [
  { kind: 'unsigned' },
  { kind: 'chunked', signed: false, trailer: true },
]
