/** The body of a request: framing taken off, and what the client promised of it. */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import { startDigest } from '../objects/digests.ts'
import type { BodyExpectations, IncomingBody } from '../objects/types.ts'
import { ChunkedDecoder } from '../signature/chunked-decoder.ts'
import type { SignedBody } from './authenticate.ts'
import { CHECKSUM_HEADERS, invalidChecksum, isBase64Of, readChecksum, severalChecksums } from './checksum-headers.ts'
import { S3Error } from './errors.ts'

/** Throws S3Error for headers that cannot be right. Nothing is read before `chunks` is iterated. */
export function incomingBody(exchange: Exchange, verified: SignedBody): IncomingBody {
  const { headers } = exchange.request
  const { payload } = verified
  const contentMd5 = readContentMd5(headers['content-md5'] as string | undefined)
  const announced = readAnnounced(headers)
  const declaredBytes = readLength(exchange, payload.kind === 'chunked')
  const decoder =
    payload.kind === 'chunked' ? new ChunkedDecoder({ seed: verified.chunkSeed, trailer: payload.trailer }) : undefined
  return {
    chunks: wireChunks(exchange, decoder),
    declaredBytes,
    checksumAlgorithm: announced?.algorithm,
    needsMd5: contentMd5 !== undefined,
    needsSha256: payload.kind === 'hash',
    expectations(): BodyExpectations {
      const value = announced && (announced.value ?? decoder?.trailers[announced.header])
      if (announced && (value === undefined || !isBase64Of(value, announced.bytes)))
        throw invalidChecksum(announced.header)
      return {
        contentMd5,
        payloadSha256: payload.kind === 'hash' ? payload.hex : undefined,
        checksum: announced && { algorithm: announced.algorithm, value: value! },
      }
    },
  }
}

/** The file of a form, whose length nobody has declared, and whose promises are fields. Throws as `incomingBody`. */
export function fileBody(fields: IncomingHttpHeaders, file: AsyncIterable<Uint8Array>): IncomingBody {
  const contentMd5 = readContentMd5(fields['content-md5'] as string | undefined)
  const checksum = readChecksum(fields)
  return {
    chunks: file,
    declaredBytes: undefined,
    checksumAlgorithm: checksum?.algorithm,
    needsMd5: contentMd5 !== undefined,
    needsSha256: false,
    expectations: () => ({ contentMd5, payloadSha256: undefined, checksum }),
  }
}

/** The whole body, verified. Throws MaxMessageLengthExceeded past `maxBytes`. */
export async function readDocument(body: IncomingBody, maxBytes: number): Promise<Uint8Array> {
  if ((body.declaredBytes ?? 0) > maxBytes) throw new S3Error('MaxMessageLengthExceeded')
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const chunk of body.chunks) {
    size += chunk.length
    if (size > maxBytes) throw new S3Error('MaxMessageLengthExceeded')
    pieces.push(chunk)
  }
  const bytes = Buffer.concat(pieces)
  const expected = body.expectations()
  const requireEqual = (digest: string, promised: string, computed: string) => {
    if (promised !== computed) throw new Fault('DigestMismatch', { digest, expected: promised, computed })
  }
  if (expected.contentMd5) {
    requireEqual(
      'Content-MD5',
      Buffer.from(expected.contentMd5).toString('base64'),
      createHash('md5').update(bytes).digest('base64'),
    )
  }
  if (expected.payloadSha256 !== undefined) {
    requireEqual('x-amz-content-sha256', expected.payloadSha256, createHash('sha256').update(bytes).digest('hex'))
  }
  if (expected.checksum) {
    const digest = await startDigest(expected.checksum.algorithm)
    digest.update(bytes)
    requireEqual(expected.checksum.algorithm, expected.checksum.value, Buffer.from(digest.final()).toString('base64'))
  }
  return bytes
}

/** The client is told to go on only here, after every check that needs no body. */
async function* wireChunks(exchange: Exchange, decoder: ChunkedDecoder | undefined): AsyncIterable<Uint8Array> {
  const { request, response } = exchange
  if (exchange.expectsContinue) response.writeContinue()
  let received = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      received += chunk.length
      if (decoder) yield* decoder.push(chunk)
      else yield chunk
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    throw new Fault('BodyIncomplete', { expectedBytes: received + 1, actualBytes: received }, { cause: error })
  }
  decoder?.end(received)
}

function readLength(exchange: Exchange, chunked: boolean): number | undefined {
  const { headers } = exchange.request
  const text = chunked ? headers['x-amz-decoded-content-length'] : headers['content-length']
  if (text === undefined) {
    if (chunked || headers['transfer-encoding'] !== undefined) throw new S3Error('MissingContentLength')
    return 0
  }
  const length = Number(text)
  if (!Number.isSafeInteger(length) || length < 0)
    throw new S3Error('InvalidArgument', { message: 'Invalid content length' })
  return length
}

function readContentMd5(header: string | undefined): Uint8Array | undefined {
  if (header === undefined) return undefined
  if (!isBase64Of(header, 16)) throw new S3Error('InvalidDigest', { fields: { 'Content-MD5': header } })
  return Buffer.from(header, 'base64')
}

function readAnnounced(headers: Exchange['request']['headers']) {
  const given = Object.keys(headers).filter((name) => Object.hasOwn(CHECKSUM_HEADERS, name))
  const trailer = String(headers['x-amz-trailer'] ?? '')
    .trim()
    .toLowerCase()
  if (trailer !== '') {
    if (!Object.hasOwn(CHECKSUM_HEADERS, trailer)) {
      throw new S3Error('InvalidRequest', {
        message: 'The value specified in the x-amz-trailer header is not supported',
      })
    }
    given.push(trailer)
  }
  if (given.length > 1) throw severalChecksums()
  const header = given[0]
  if (header === undefined) return undefined
  const [algorithm, bytes] = CHECKSUM_HEADERS[header]!
  const value = headers[header]
  if (value !== undefined && !isBase64Of(String(value), bytes)) throw invalidChecksum(header)
  const named = headers['x-amz-sdk-checksum-algorithm']
  if (named !== undefined && String(named).toUpperCase() !== algorithm) {
    throw new S3Error('InvalidRequest', { message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.' })
  }
  return { header, algorithm, bytes, value: value === undefined ? undefined : String(value) }
}
