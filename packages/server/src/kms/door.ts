/** The KMS door: the AWS KMS API over awsJson1_1. */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Door, Exchange } from '../core/exchange.ts'
import type { Observer } from '../core/outcome.ts'
import type { CallContext } from '../core/principal.ts'
import type { Kms } from '../keys/kms.ts'
import { KmsError, toKmsError } from './errors.ts'
import { Input } from './input.ts'
import { KMS_OPERATIONS } from './operations.ts'

export interface KmsDoorOptions {
  readonly kms: Kms
  /** Who calls, the body's SHA-256 in hex being part of what was signed. Throws KmsError. */
  readonly authenticate: (exchange: Exchange, bodySha256: string) => Promise<CallContext>
  readonly observer: Observer
  readonly clock: Clock
  /** Keys and plaintext travel here, so plain HTTP is refused unless the operator asks for it. */
  readonly allowPlainHttp: boolean
  readonly onInternalError: (error: unknown, requestId: string) => void
}

const TARGET_PREFIX = 'TrentService.'
const MAX_BODY_BYTES = 256 * 1024

export class KmsDoor implements Door {
  readonly #options: KmsDoorOptions

  constructor(options: KmsDoorOptions) {
    this.#options = options
  }

  async handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const target = String(request.headers['x-amz-target'] ?? '')
    const name = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : ''
    const operation = Object.hasOwn(KMS_OPERATIONS, name) ? KMS_OPERATIONS[name] : undefined
    let call: CallContext | undefined
    let error: KmsError | undefined
    let body: Record<string, unknown>
    let bytesIn = 0
    try {
      if (!exchange.secure && !this.#options.allowPlainHttp) {
        throw new KmsError('InvalidRequest', 'Requests to AWS KMS must be made over a secure connection.')
      }
      const bytes = await readBody(exchange)
      bytesIn = bytes.length
      call = await this.#options.authenticate(exchange, createHash('sha256').update(bytes).digest('hex'))
      if (!operation) throw new KmsError('UnknownOperationException', '')
      if (!operation.run)
        throw new KmsError('UnsupportedOperationException', `${name} is not supported by this server.`)
      body = await operation.run(this.#options.kms, call, new Input(parse(bytes)))
    } catch (thrown) {
      error = toKmsError(thrown)
      if (error.status >= 500) this.#options.onInternalError(error.cause ?? thrown, exchange.requestId)
      body = { __type: error.code, message: error.message }
    }
    const text = JSON.stringify(body)
    response.writeHead(error?.status ?? 200, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': Buffer.byteLength(text),
      'x-amzn-requestid': exchange.requestId,
      ...(!request.complete && { connection: 'close' }),
    })
    response.end(text)
    this.#options.observer.observe({
      service: 'kms',
      operation: operation ? name : 'Unknown',
      requestId: exchange.requestId,
      startedAtMs: exchange.startedAtMs,
      durationMs: this.#options.clock.nowMs() - exchange.startedAtMs,
      status: error?.status ?? 200,
      errorCode: error?.code,
      caller: call?.principal,
      sourceIp: exchange.sourceIp,
      userAgent: request.headers['user-agent'],
      tls: exchange.tls,
      bytesIn,
      bytesOut: Buffer.byteLength(text),
      readOnly: operation?.readOnly ?? true,
      kmsKeyArn: typeof body.KeyId === 'string' ? body.KeyId : undefined,
    })
  }
}

async function readBody({ request, response, expectsContinue }: Exchange): Promise<Uint8Array> {
  if (expectsContinue) response.writeContinue()
  const pieces: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new KmsError('RequestEntityTooLargeException', 'The request is too large.', 413)
    pieces.push(chunk)
  }
  return Buffer.concat(pieces)
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = bytes.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Falls through to the one answer for whatever is not a JSON object.
  }
  throw new KmsError('SerializationException', 'The request body is not a JSON object.')
}
