/** Answers for services that this server does not have, by name, so that a client is told and never guesses. */
import type { Door, Exchange } from '../core/exchange.ts'
import type { Observer } from '../core/outcome.ts'
import { serviceOf } from './dispatch.ts'

export class AbsentDoor implements Door {
  readonly #observer: Observer
  readonly #nowMs: () => number

  constructor(observer: Observer, nowMs: () => number) {
    this.#observer = observer
    this.#nowMs = nowMs
  }

  async handle(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const service = serviceOf(request.url ?? '/', request.headers)
    const message = `The service ${service} is not part of this server.`
    const body = JSON.stringify({ __type: 'NotImplemented', message })
    request.resume()
    response.writeHead(501, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': Buffer.byteLength(body),
      'x-amzn-requestid': exchange.requestId,
      'x-amzn-errortype': 'NotImplemented',
    })
    response.end(body)
    this.#observer.observe({
      service: service === 'unknown' ? 'server' : service,
      operation: 'Unknown',
      requestId: exchange.requestId,
      startedAtMs: exchange.startedAtMs,
      durationMs: this.#nowMs() - exchange.startedAtMs,
      status: 501,
      errorCode: 'NotImplemented',
      caller: undefined,
      sourceIp: exchange.sourceIp,
      userAgent: request.headers['user-agent'],
      tls: exchange.tls,
      bytesIn: 0,
      bytesOut: Buffer.byteLength(body),
      readOnly: true,
    })
  }
}
