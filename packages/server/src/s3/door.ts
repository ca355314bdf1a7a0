/** The S3 door: read target, authenticate, route, read input, run, render, record. */
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock } from '../core/clock.ts'
import type { Door, Exchange } from '../core/exchange.ts'
import type { Observer, Outcome, Trail } from '../core/outcome.ts'
import type { AccessLog } from '../delivery/access-log-entry.ts'
import type { IncomingBody } from '../objects/types.ts'
import type { OpenCall } from '../protocols/signed-request.ts'
import { logAccess } from './access-log.ts'
import { auditFacts } from './audit-facts.ts'
import { type Authentication, anonymously, authenticate, authenticateForm } from './authenticate.ts'
import { hidesAbsence, requireAccess } from './authorize.ts'
import { incomingBody, readDocument } from './body.ts'
import { readControlTarget } from './control-target.ts'
import { corsHeaders } from './cors-rules.ts'
import { refuseCustomerKeyInClear } from './encryption-headers.ts'
import { errorDocument, hostId } from './error-document.ts'
import { S3Error, toS3Error, wasRefusedInClear } from './errors.ts'
import { checkExpectedOwners } from './expected-owner.ts'
import { formRequest } from './form-request.ts'
import { filteredTags, metricsFiltersOf } from './observed-bucket.ts'
import type { Operation, OutcomeNotes, S3Reply, S3Request } from './operation.ts'
import { operations } from './operations/index.ts'
import { readPostForm } from './post-form.ts'
import { Router, requireRunnable } from './router.ts'
import type { S3Services } from './services.ts'
import { readTarget, type Target } from './target.ts'

export interface S3DoorOptions extends Authentication {
  readonly services: S3Services
  readonly observer: Observer
  readonly trail: Trail
  readonly clock: Clock
  /** Host names under which `BUCKET.` may stand. */
  readonly domains: readonly string[]
  readonly accessLog: AccessLog
  /** Told of failures that are ours; the client sees only InternalError. */
  readonly onInternalError: (error: unknown, requestId: string) => void
}

/** What is learnt of a request on its way, for the outcome. */
interface Progress {
  target: Target
  operation: Operation | undefined
  call: OpenCall | undefined
  query: ReadonlyMap<string, string>
  /** Of the request, or of the form that it is. */
  headers: IncomingHttpHeaders
  /** A configuration that was sent. */
  document: Uint8Array | undefined
  reply: S3Reply | undefined
  /** When the body's last byte had come, where it was read, and when the reply's first was sent. */
  bodyEndedAtMs: number | undefined
  repliedAtMs: number | undefined
  /** Ids of the bucket's metrics configurations that it fits. */
  metricsFilters: readonly string[]
  readonly notes: OutcomeNotes
}

/** What a request says, by header or by form. */
type ReadRequest = Pick<S3Request, 'objectKey' | 'headers' | 'rawHeaders' | 'body'> & { readonly call: OpenCall }

export class S3Door implements Door {
  readonly #options: S3DoorOptions
  readonly #router = new Router(operations)

  constructor(options: S3DoorOptions) {
    this.#options = options
  }

  async handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const progress: Progress = {
      target: { bucket: '', objectKey: '' },
      operation: undefined,
      call: undefined,
      query: NO_QUERY,
      headers: request.headers,
      document: undefined,
      reply: undefined,
      bodyEndedAtMs: undefined,
      repliedAtMs: undefined,
      metricsFilters: [],
      notes: {},
    }
    let error: S3Error | undefined
    try {
      progress.reply = await this.#run(exchange, progress)
    } catch (thrown) {
      error = this.#toError(thrown, exchange)
    }
    progress.metricsFilters = await this.#metricsFilters(exchange, progress)
    try {
      await this.#keep(exchange, progress, error)
    } catch (thrown) {
      // Of what is not on record nobody is told that it was done.
      await closeBody(progress.reply)
      error = this.#toError(thrown, exchange)
    }
    const cors = corsHeaders(progress.notes.bucketRecord?.corsRules, request)
    let bytesOut = 0
    progress.repliedAtMs = this.#options.clock.nowMs()
    exchange.trace?.step('send')
    try {
      bytesOut = await send(exchange, error ? errorReply(error, exchange, progress.target) : progress.reply!, cors)
    } catch (thrown) {
      error ??= this.#toError(thrown, exchange)
      // Once the head is out an error can only be told by cutting the body short of its length.
      if (response.headersSent) response.destroy()
      else bytesOut = await send(exchange, errorReply(error, exchange, progress.target), cors).catch(() => 0)
    }
    endBody(exchange)
    const outcome = this.#outcome(exchange, progress, error, bytesOut)
    if (outcome.audit?.category === 'Data') void this.#options.trail.record(outcome)
    this.#options.observer.observe(outcome)
    const { accessLog, services } = this.#options
    logAccess(accessLog, services.accounts, { exchange, outcome, ...progress })
  }

  /** What must be on record before the reply: the calls of the KMS, and the request itself where it manages something. */
  async #keep(exchange: Exchange, progress: Progress, error: S3Error | undefined): Promise<void> {
    const { call, operation } = progress
    exchange.trace?.step('record')
    if (operation?.audit === 'management') await this.#options.trail.record(this.#outcome(exchange, progress, error, 0))
    if (call) for (const kept of call.kept) await kept
  }

  #toError(thrown: unknown, { requestId }: Exchange): S3Error {
    const error = toS3Error(thrown)
    if (error.status >= 500 && error.status !== 501 && error.code !== 'SlowDown') {
      this.#options.onInternalError(error.cause ?? thrown, requestId)
    }
    return error
  }

  async #run(exchange: Exchange, progress: Progress): Promise<S3Reply> {
    const { request, trace } = exchange
    const { services } = this.#options
    trace?.step('read target')
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const { host } = request.headers
    progress.target = readControlTarget(path, request.headers) ?? readTarget(path, host, this.#options.domains)
    const { bucket, objectKey, byArn } = progress.target
    const rawQuery = mark < 0 ? '' : url.slice(mark + 1)
    const query = readQuery(rawQuery)
    progress.query = query
    const target = byArn ? 'resource' : bucket === '' ? 'service' : objectKey === '' ? 'bucket' : 'object'
    progress.notes.versionId = query.get('versionId')
    const routed = { method: request.method ?? '', target, query, headers: request.headers } as const
    trace?.step('route')
    const row = this.#router.find(routed)
    progress.operation = row
    trace?.step('authenticate')
    const read =
      row?.authenticatedBy === 'form' ? await this.#readForm(exchange, progress) : await this.#read(exchange, progress)
    progress.headers = read.headers
    const operation = requireRunnable(row, routed)
    const { body } = operation
    const incoming = () => noteEnd(read.body(), () => (progress.bodyEndedAtMs = this.#options.clock.nowMs()))
    const s3Request: S3Request = {
      method: routed.method,
      operation,
      bucket,
      query,
      rawQuery,
      ...read,
      body: incoming,
      requestId: exchange.requestId,
      authorize: (need) => requireAccess(services, s3Request, need),
      async document() {
        const document = await readDocument(incoming(), body.kind === 'document' ? body.maxBytes : 0)
        progress.document = document
        return document
      },
      notes: progress.notes,
    }
    trace?.step('authorize')
    refuseCustomerKeyInClear(s3Request.headers, exchange.secure)
    await checkExpectedOwners(services, s3Request)
    const needs = operation.access?.(s3Request) ?? [
      { action: operation.action, bucket: bucket || undefined, objectKey: s3Request.objectKey },
    ]
    for (const need of needs) await s3Request.authorize(need)
    if (routed.method === 'DELETE')
      progress.notes.tagsBefore = await filteredTags(services, progress.target, progress.notes)
    trace?.step('run')
    try {
      return await operation.run!(services, s3Request)
    } catch (error) {
      throw (await hidesAbsence(services, s3Request, error)) ? new S3Error('AccessDenied', {}, { cause: error }) : error
    }
  }

  async #read(exchange: Exchange, progress: Progress): Promise<ReadRequest> {
    const { call, body } =
      progress.operation?.authenticatedBy === 'nobody'
        ? anonymously(exchange, this.#options)
        : await authenticate(exchange, this.#options)
    progress.call = call
    const { headers, rawHeaders } = exchange.request
    const { objectKey } = progress.target
    return { objectKey, headers, rawHeaders, call, body: () => incomingBody(exchange, body) }
  }

  /** A form has its key, its signature and its headers in the body, before the file. */
  async #readForm(exchange: Exchange, progress: Progress): Promise<ReadRequest> {
    const form = await readPostForm(exchange)
    const call = await authenticateForm(exchange, form.fields, this.#options)
    progress.call = call
    const { bucket } = progress.target
    const { host } = exchange.request.headers
    const request = formRequest(form, { bucket, host, call })
    progress.target = { bucket, objectKey: request.objectKey }
    return { ...request, call }
  }

  /** A failure to learn it is told to us and changes nothing for the client, who has the reply. */
  async #metricsFilters({ requestId }: Exchange, { target, notes }: Progress): Promise<readonly string[]> {
    try {
      return await metricsFiltersOf(this.#options.services, target, notes)
    } catch (error) {
      this.#options.onInternalError(error, requestId)
      return []
    }
  }

  #outcome(exchange: Exchange, progress: Progress, error: S3Error | undefined, bytesOut: number): Outcome {
    const { target, operation, call, notes, repliedAtMs, bodyEndedAtMs } = progress
    const { headers } = exchange.request
    return {
      service: 's3',
      operation: operation?.name ?? 'Unknown',
      requestId: exchange.requestId,
      startedAtMs: exchange.startedAtMs,
      durationMs: this.#options.clock.nowMs() - exchange.startedAtMs,
      // Before the reply is sent it is what will be.
      status: error?.status ?? progress.reply?.status ?? exchange.response.statusCode,
      errorCode: error?.code,
      errorMessage: error?.message,
      region: this.#options.region,
      refusedInClear: error && wasRefusedInClear(error),
      caller: call?.principal,
      sourceIp: exchange.sourceIp,
      userAgent: headers['user-agent'],
      tls: exchange.tls,
      host: headers.host,
      signature: call?.signature,
      bytesIn: notes.bytesIn ?? 0,
      bytesOut,
      readOnly: operation?.readOnly ?? true,
      bucket: target.bucket || undefined,
      objectKey: target.objectKey || undefined,
      versionId: notes.versionId,
      bucketAccountId: notes.bucketRecord?.accountId,
      metricsFilters: progress.metricsFilters,
      turnAroundMs: repliedAtMs === undefined ? undefined : repliedAtMs - (bodyEndedAtMs ?? exchange.startedAtMs),
      encryption: notes.encryption,
      kmsKeyArn: notes.kmsKeyArn,
      decisions: call?.decisions,
      audit: operation?.audit === 'none' ? undefined : auditFacts(exchange, progress, bytesOut),
    }
  }
}

const NO_QUERY: ReadonlyMap<string, string> = new Map()

/** Tells when all of a body has been read, which is when its digests are asked for. */
const noteEnd = (body: IncomingBody, ended: () => void): IncomingBody => ({
  ...body,
  expectations() {
    ended()
    return body.expectations()
  },
})

/** First value of each parameter, decoded; `+` is a space, as in forms. */
function readQuery(rawQuery: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  if (rawQuery !== '')
    for (const [name, value] of new URLSearchParams(rawQuery)) if (!query.has(name)) query.set(name, value)
  return query
}

/** Writes a reply and resolves to the bytes of its body once all of it has been handed to the socket. */
async function send(exchange: Exchange, reply: S3Reply, cors: S3Reply['headers']): Promise<number> {
  const { request, response } = exchange
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body
  const head: string[] = [
    'x-amz-request-id',
    exchange.requestId,
    'x-amz-id-2',
    hostId(exchange.requestId),
    'server',
    'Strongroom',
  ]
  for (const headers of [reply.headers, cors])
    for (const name in headers) if (headers[name] !== undefined) head.push(name, headers[name])
  for (const [name, value] of reply.userMetadata ?? []) head.push(`x-amz-meta-${name}`, value)
  const length = body === undefined ? 0 : body instanceof Uint8Array ? body.length : body.bytes
  const bodiless = reply.status === 204 || reply.status === 304
  if (!bodiless && reply.headers?.['content-length'] === undefined) head.push('content-length', String(length))
  // A body that nobody read is in the way of the connection's next request.
  if (!request.complete && hasBody(request.headers)) head.push('connection', 'close')
  response.writeHead(reply.status, head)
  if (body === undefined || request.method === 'HEAD' || bodiless) {
    if (body && !(body instanceof Uint8Array)) await body.close()
    response.end()
    return 0
  }
  if (body instanceof Uint8Array) {
    response.end(body)
    return length
  }
  await stream(response, body)
  return length
}

async function closeBody(reply: S3Reply | undefined): Promise<void> {
  const body = reply?.body
  if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) await body.close()
}

async function stream(
  response: ServerResponse,
  body: { chunks(): AsyncIterable<Uint8Array>; close(): Promise<void> },
): Promise<void> {
  const gone = new AbortController()
  const onClose = () => gone.abort()
  response.once('close', onClose)
  try {
    for await (const chunk of body.chunks()) {
      if (response.destroyed) return
      const goesOn = response.write(chunk)
      if (!goesOn && response.writableLength >= UNSENT_BYTES) await once(response, 'drain', { signal: gone.signal })
    }
    response.end()
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    response.off('close', onClose)
    await body.close()
  }
}

function errorReply(error: S3Error, exchange: Exchange, target: Target): S3Reply {
  if (exchange.request.method === 'HEAD' || error.status === 304)
    return { status: error.status, headers: error.headers }
  const resource = target.objectKey === '' ? `/${target.bucket}` : `/${target.bucket}/${target.objectKey}`
  const body = errorDocument(error, resource, exchange.requestId, target.byArn)
  return { status: error.status, headers: { ...error.headers, 'content-type': 'application/xml' }, body }
}

/** Reads on for a little, so that a client that sends before it listens gets to read the reply; then lets go. */
function endBody({ request, response }: Exchange): void {
  if (request.complete || request.destroyed) return
  let left = DRAIN_BYTES
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) request.destroy()
  })
  request.on('error', () => {})
  response.once('close', () => request.destroy())
  request.resume()
}

const hasBody = (headers: Exchange['request']['headers']) =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

const DRAIN_BYTES = 1024 * 1024
/** What may wait for a slow client; less would make a fast one wait for each segment. */
const UNSENT_BYTES = 1024 * 1024
