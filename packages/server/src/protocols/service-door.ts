/** The door of a service that is not S3: read the body, read the call, authenticate, run, render, record. */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Clock } from '../core/clock.ts'
import type { Door, Exchange } from '../core/exchange.ts'
import { isFault } from '../core/fault.ts'
import type { AuditedResource, AuditFacts, Observer, Outcome, ServiceName, Trail } from '../core/outcome.ts'
import type { CallContext } from '../policy/call.ts'
import { SignatureError } from '../signature/errors.ts'
import { auditedMembers } from './audited-members.ts'
import { authenticateService, type ServiceAuthentication } from './authenticate.ts'
import type { Input } from './input.ts'
import { ServiceError } from './service-error.ts'
import type { OpenCall } from './signed-request.ts'

export type Output = Readonly<Record<string, unknown>>

/** One operation of a service, as a row. */
export interface ServiceOperation<Services> {
  readonly readOnly: boolean
  /** Whether it may come unsigned, since what it carries proves by itself who calls. */
  readonly unsigned?: boolean
  /** Set where CloudTrail counts it among the data events, such as PutMetricData. */
  readonly audit?: 'data'
  /** Absent: refused by name. */
  readonly run?: (services: Services, call: CallContext, input: Input) => Promise<Output>
}

/** How a service's calls and answers look on the wire. */
export interface Protocol {
  readonly contentType: string
  /** Of every answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** The operation's name and its members. Throws ServiceError. */
  read(exchange: Exchange, body: Uint8Array): { readonly name: string; readonly input: Input }
  render(operation: string, output: Output, requestId: string): string | Uint8Array
  renderError(error: ServiceError, requestId: string): string | Uint8Array
  errorHeaders?(error: ServiceError): Readonly<Record<string, string>>
  /** Its words for who cannot be told from his signature. */
  readonly refusals: Readonly<Record<AuthenticationRefusal, readonly [code: string, status: number]>>
}

export type AuthenticationRefusal = 'missing' | 'unknown' | 'expired' | 'mismatch' | 'incomplete'

export interface ServiceDoorOptions<Services> {
  readonly service: ServiceName
  /** e.g. 'AWS KMS', for messages. */
  readonly title: string
  /** Or which one, of a service that has several. */
  readonly protocol: Protocol | ((request: IncomingMessage) => Protocol)
  /** Where it is another than the usual. */
  readonly maxBodyBytes?: number
  readonly operations: Readonly<Record<string, ServiceOperation<Services>>>
  readonly services: Services
  readonly authentication: ServiceAuthentication
  /** The service's words for what its operations throw. */
  readonly toError: (error: unknown) => ServiceError
  /** What the outcome tells besides. */
  readonly notes?: (output: Output) => Partial<Outcome>
  /** Keys and secrets travel here, so plain HTTP is refused unless the operator asks for it. */
  readonly allowPlainHttp: boolean
  /** What a request is about, by an ARN that was decided on; undefined: nothing that has a record of its own. */
  readonly resourceOf?: (arn: string) => AuditedResource | undefined
  readonly observer: Observer
  readonly trail: Trail
  readonly clock: Clock
  readonly onInternalError: (error: unknown, requestId: string) => void
}

/** What is learnt of a request on its way, for the outcome. */
interface Progress {
  name: string
  input?: Input
  operation?: ServiceOperation<never> | undefined
  call?: OpenCall
  output: Output
  bytesIn: number
}

const MAX_BODY_BYTES = 256 * 1024
/** To which the events of services for all regions belong. */
const GLOBAL_REGION = 'us-east-1'

export class ServiceDoor<Services> implements Door {
  readonly #options: ServiceDoorOptions<Services>

  constructor(options: ServiceDoorOptions<Services>) {
    this.#options = options
  }

  async handle(exchange: Exchange): Promise<void> {
    const { observer, trail } = this.#options
    const { request, response, requestId } = exchange
    const protocol = this.#protocol(request)
    const progress: Progress = { name: 'Unknown', output: {}, bytesIn: 0 }
    let error: ServiceError | undefined
    try {
      await this.#answer(exchange, progress)
    } catch (thrown) {
      error = this.#toError(thrown, requestId)
    }
    exchange.trace?.step('record')
    try {
      await trail.record(this.#outcome(exchange, progress, error, 0))
    } catch (thrown) {
      // Of what is not on record nobody is told that it was done.
      error = this.#toError(thrown, requestId)
    }
    exchange.trace?.step('send')
    const answer = error
      ? protocol.renderError(error, requestId)
      : protocol.render(progress.name, progress.output, requestId)
    response.writeHead(error?.status ?? 200, {
      'content-type': protocol.contentType,
      'content-length': Buffer.byteLength(answer),
      'x-amzn-requestid': requestId,
      ...protocol.headers,
      ...(error && protocol.errorHeaders?.(error)),
      ...(!request.complete && { connection: 'close' }),
    })
    response.end(answer)
    observer.observe(this.#outcome(exchange, progress, error, Buffer.byteLength(answer)))
  }

  async #answer(exchange: Exchange, progress: Progress): Promise<void> {
    const { operations, maxBodyBytes = MAX_BODY_BYTES } = this.#options
    if (this.#refusesInClear(exchange)) {
      throw new ServiceError(
        'InvalidRequest',
        `Requests to ${this.#options.title} must be made over a secure connection.`,
      )
    }
    exchange.trace?.step('read')
    const body = await readBody(exchange, maxBodyBytes)
    progress.bytesIn = body.length
    const content = await decoded(exchange.request, body, maxBodyBytes)
    const { name, input } = this.#protocol(exchange.request).read(exchange, content)
    progress.input = input
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
    progress.operation = operation
    if (operation) progress.name = name
    exchange.trace?.step('authenticate')
    progress.call = await this.#authenticate(exchange, body, operation?.unsigned === true)
    exchange.trace?.step('run')
    progress.output = await this.#run(name, operation, progress.call, input)
    for (const kept of progress.call.kept) await kept
  }

  #refusesInClear({ secure }: Exchange): boolean {
    return !secure && !this.#options.allowPlainHttp
  }

  #toError(thrown: unknown, requestId: string): ServiceError {
    const error = this.#options.toError(thrown)
    if (error.status >= 500 && error.status !== 501) this.#options.onInternalError(error.cause ?? thrown, requestId)
    return error
  }

  #outcome(exchange: Exchange, progress: Progress, error: ServiceError | undefined, bytesOut: number): Outcome {
    const { service, authentication, clock, notes } = this.#options
    const { operation, call, output } = progress
    const { headers } = exchange.request
    return {
      service,
      operation: progress.name,
      requestId: exchange.requestId,
      startedAtMs: exchange.startedAtMs,
      durationMs: clock.nowMs() - exchange.startedAtMs,
      status: error?.status ?? 200,
      errorCode: error?.code,
      errorMessage: error?.message,
      region: authentication.global ? GLOBAL_REGION : authentication.region,
      refusedInClear: this.#refusesInClear(exchange),
      caller: call?.principal,
      sourceIp: exchange.sourceIp,
      userAgent: headers['user-agent'],
      tls: exchange.tls,
      host: headers.host,
      signature: call?.signature,
      bytesIn: progress.bytesIn,
      bytesOut,
      readOnly: operation?.readOnly ?? true,
      decisions: call?.decisions,
      quota: call?.quota,
      audit: this.#auditFacts(progress, error),
      ...notes?.(output),
    }
  }

  #auditFacts({ operation, input, output, call }: Progress, error: ServiceError | undefined): AuditFacts {
    const resources = () =>
      [...new Set(call?.decisions.map(({ resource }) => resource))].flatMap(
        (arn) => this.#options.resourceOf?.(arn) ?? [],
      )
    return {
      category: operation?.audit === 'data' ? 'Data' : 'Management',
      requestParameters: () => input?.audited() ?? null,
      responseElements: () => (error || operation?.readOnly ? null : auditedMembers(output)),
      resources,
    }
  }

  async #authenticate(exchange: Exchange, body: Uint8Array, mayBeUnsigned: boolean): Promise<OpenCall> {
    try {
      const call = await authenticateService(exchange, body, this.#options.authentication)
      if (!call.signature && !mayBeUnsigned) throw this.#refusal(exchange, 'missing', 'Missing Authentication Token')
      return call
    } catch (error) {
      if (isFault(error, 'CredentialUnknown') || isFault(error, 'SessionTokenInvalid')) {
        throw this.#refusal(exchange, 'unknown', 'The security token included in the request is invalid.', error)
      }
      if (isFault(error, 'SessionTokenExpired')) {
        throw this.#refusal(exchange, 'expired', 'The security token included in the request is expired', error)
      }
      if (!(error instanceof SignatureError)) throw error
      const isMismatch = error.code === 'SignatureDoesNotMatch' || error.code === 'RequestTimeTooSkewed'
      throw this.#refusal(exchange, isMismatch ? 'mismatch' : 'incomplete', error.message, error)
    }
  }

  #protocol(request: IncomingMessage): Protocol {
    const { protocol } = this.#options
    return typeof protocol === 'function' ? protocol(request) : protocol
  }

  #refusal({ request }: Exchange, refusal: AuthenticationRefusal, message: string, cause?: unknown): ServiceError {
    const [code, status] = this.#protocol(request).refusals[refusal]
    return new ServiceError(code, message, status, { cause })
  }

  async #run(
    name: string,
    operation: ServiceOperation<Services> | undefined,
    call: CallContext,
    input: Input,
  ): Promise<Output> {
    if (!operation) throw this.#options.toError(new UnknownOperation(name))
    if (!operation.run) {
      throw new ServiceError('UnsupportedOperationException', `${name} is not supported by this server.`)
    }
    return operation.run(this.#options.services, call, input)
  }
}

/** No operation of the service has this name. */
export class UnknownOperation extends Error {
  readonly operation: string

  constructor(operation: string) {
    super(`no operation ${operation}`)
    this.name = 'UnknownOperation'
    this.operation = operation
  }
}

async function readBody({ request, response, expectsContinue }: Exchange, maxBytes: number): Promise<Uint8Array> {
  if (expectsContinue) response.writeContinue()
  const pieces: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    pieces.push(chunk)
  }
  return Buffer.concat(pieces)
}

/** What was compressed is bounded as what was not; the signature is over the bytes as they came. */
async function decoded({ headers }: IncomingMessage, body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return body
  if (encoding !== 'gzip') {
    throw new ServiceError('UnsupportedMediaTypeException', 'The content encoding is not supported.', 415)
  }
  try {
    return await promisify(gunzip)(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw new ServiceError('SerializationException', 'The request body is not compressed as it says.')
  }
}

const tooLarge = () => new ServiceError('RequestEntityTooLargeException', 'The request is too large.', 413)
