/** The paths under `/-/`, which are ours: health, metrics, and the doors of our own APIs. No bucket can have such a name. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Door, Exchange } from '../core/exchange.ts'
import type { Observer } from '../core/outcome.ts'
import { type MetricSnapshot, renderPrometheus } from '../metrics/registry.ts'
import { type ReadAccess, type ReadRefusal, refusalToRead } from './bearer.ts'

export interface OwnDoorOptions {
  /** Why the server cannot serve now, or undefined where it can. */
  readonly notReady: () => Promise<{ readonly status: string; readonly reason: string } | undefined>
  readonly metricsAccess: ReadAccess
  /** Metrics of all processes, added up. */
  readonly collectMetrics: () => Promise<readonly MetricSnapshot[]>
  /** By path; they take POST, and answer and record for themselves. */
  readonly apis: () => Readonly<Record<string, Door>>
  readonly observer: Observer
  readonly nowMs: () => number
  readonly onInternalError: (error: unknown, requestId: string) => void
}

type Answer = readonly [status: number, contentType: string, body: string]

export class OwnDoor implements Door {
  readonly #options: OwnDoorOptions

  constructor(options: OwnDoorOptions) {
    this.#options = options
  }

  async handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const path = (request.url ?? '').split('?', 1)[0]!
    const apis = this.#options.apis()
    const api = Object.hasOwn(apis, path) ? apis[path] : undefined
    if (api && request.method === 'POST') return api.handle(exchange)
    let answer: Answer
    let failure: string | undefined
    try {
      answer = await this.#answer(request, path)
    } catch (error) {
      this.#options.onInternalError(error, exchange.requestId)
      failure = 'InternalError'
      answer = [500, 'text/plain', 'internal error\n']
    }
    request.resume()
    send(response, request.method === 'HEAD', answer)
    this.#options.observer.observe({
      service: 'server',
      operation: OPERATIONS[path] ?? 'Unknown',
      requestId: exchange.requestId,
      startedAtMs: exchange.startedAtMs,
      durationMs: this.#options.nowMs() - exchange.startedAtMs,
      status: answer[0],
      errorCode: failure ?? (answer[0] >= 400 ? String(answer[0]) : undefined),
      caller: undefined,
      sourceIp: exchange.sourceIp,
      userAgent: request.headers['user-agent'],
      tls: exchange.tls,
      bytesIn: 0,
      bytesOut: Buffer.byteLength(answer[2]),
      readOnly: true,
    })
  }

  async #answer(request: IncomingMessage, path: string): Promise<Answer> {
    const { method } = request
    if (Object.hasOwn(this.#options.apis(), path)) return [405, 'text/plain', 'method not allowed\n']
    if (!(path in OPERATIONS)) return [404, 'text/plain', 'not found\n']
    if (method !== 'GET' && method !== 'HEAD') return [405, 'text/plain', 'method not allowed\n']
    if (path === '/-/health/live') return [200, 'application/json', '{"status":"live"}\n']
    if (path === '/-/metrics') {
      const refusal = refusalToRead(this.#options.metricsAccess, request)
      if (refusal) return REFUSALS[refusal]
      return [200, 'text/plain; version=0.0.4; charset=utf-8', renderPrometheus(await this.#options.collectMetrics())]
    }
    const reason = await this.#options.notReady()
    return reason === undefined
      ? [200, 'application/json', '{"status":"ready"}\n']
      : [503, 'application/json', `${JSON.stringify(reason)}\n`]
  }
}

const OPERATIONS: Readonly<Record<string, string>> = {
  '/-/health/live': 'HealthLive',
  '/-/health/ready': 'HealthReady',
  '/-/metrics': 'Metrics',
}

const REFUSALS: Readonly<Record<ReadRefusal, Answer>> = {
  token: [401, 'text/plain', 'the bearer token of the configuration is needed\n'],
  address: [403, 'text/plain', 'set metrics.tokenFile in the configuration to read metrics from elsewhere\n'],
}

function send(response: ServerResponse, head: boolean, [status, contentType, body]: Answer): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  })
  response.end(head ? undefined : body)
}
