/**
 * Traces of requests by OpenTelemetry: a span for each request, one for each step of its door, and one for each wrapped
 * call below. What a request turned out to be is told by its outcome, which also ends it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type * as api from '@opentelemetry/api'
import type { Door, Exchange } from '../core/exchange.ts'
import { isFault } from '../core/fault.ts'
import type { Observer, Outcome } from '../core/outcome.ts'
import type { RequestTrace, SpanAttributes, Tracer } from '../core/tracing.ts'
import { outcomeAttributes, requestAttributes, spanName } from './attributes.ts'
import { readTraceparent } from './traceparent.ts'

/** Where in a trace something runs: within a request's step, or within a span of its own. */
interface Place {
  readonly request: TracedRequest
  readonly span: api.Span | undefined
}

export class RequestTraces implements Tracer, Observer {
  readonly #api: typeof api
  readonly #tracer: api.Tracer
  readonly #places = new AsyncLocalStorage<Place>()

  constructor(otel: typeof api, tracer: api.Tracer) {
    this.#api = otel
    this.#tracer = tracer
  }

  /** Lets a door handle a request within a span, whose parent is the caller's where the request names one. */
  async handle(exchange: Exchange, door: Door): Promise<void> {
    const { SpanKind } = this.#api
    const { request } = exchange
    if (UNTRACED.test(request.url ?? '')) return door.handle(exchange)
    const span = this.#tracer.startSpan(
      request.method ?? 'request',
      { kind: SpanKind.SERVER, startTime: exchange.startedAtMs, attributes: requestAttributes(exchange) },
      this.#remoteParent(exchange),
    )
    const traced = new TracedRequest(span, (name) => this.#child(name, {}, span))
    try {
      await this.#places.run({ request: traced, span: undefined }, () => door.handle({ ...exchange, trace: traced }))
    } finally {
      traced.end()
    }
  }

  span<T>(name: string, attributes: SpanAttributes, run: () => T): T {
    const place = this.#places.getStore()
    if (!place?.request.isRecording) return run()
    const span = this.#child(name, attributes, place.span ?? place.request.current)
    return this.#places.run({ request: place.request, span }, () => {
      let result: T
      try {
        result = run()
      } catch (error) {
        this.#fail(span, error)
        throw error
      }
      if (result instanceof Promise) {
        // Whoever asked awaits the same promise, and sees its failure.
        result.then(
          () => span.end(),
          (error: unknown) => this.#fail(span, error),
        )
      } else span.end()
      return result
    })
  }

  observe(outcome: Outcome): void {
    const place = this.#places.getStore()
    if (!place?.request.isRecording) return
    const attributes = outcomeAttributes(outcome)
    // A call that S3 makes for its caller has a span of its own, and the request goes on.
    if (outcome.viaRequestId !== undefined) {
      place.span?.setAttributes(attributes)
      return
    }
    const { span } = place.request
    span.updateName(spanName(outcome))
    span.setAttributes(attributes)
    // What is the caller's fault is no error of a server's (semantic conventions, HTTP spans).
    if (outcome.status >= 500) span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    place.request.end()
  }

  /** Of the request that is being handled, recorded or not. */
  get currentTraceId(): string | undefined {
    return this.#places.getStore()?.request.span.spanContext().traceId
  }

  #child(name: string, attributes: SpanAttributes, parent: api.Span): api.Span {
    const { ROOT_CONTEXT, trace } = this.#api
    return this.#tracer.startSpan(name, { attributes: { ...attributes } }, trace.setSpan(ROOT_CONTEXT, parent))
  }

  #fail(span: api.Span, error: unknown): void {
    // No message: it may tell more than a trace should.
    span.setAttribute('error.type', isFault(error) ? error.code : error instanceof Error ? error.name : 'unknown')
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    span.end()
  }

  #remoteParent({ request: { headers } }: Exchange): api.Context {
    const { ROOT_CONTEXT, TraceFlags, createTraceState, trace } = this.#api
    const { traceparent, tracestate } = headers
    const parent = readTraceparent(typeof traceparent === 'string' ? traceparent : undefined)
    if (!parent) return ROOT_CONTEXT
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId: parent.traceId,
      spanId: parent.spanId,
      traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      isRemote: true,
      ...(tracestate !== undefined && { traceState: createTraceState(String(tracestate)) }),
    })
  }
}

class TracedRequest implements RequestTrace {
  readonly span: api.Span
  readonly isRecording: boolean
  readonly #begin: (step: string) => api.Span
  #step: api.Span | undefined
  #ended = false

  constructor(span: api.Span, begin: (step: string) => api.Span) {
    this.span = span
    this.isRecording = span.isRecording()
    this.#begin = begin
  }

  /** What is under way: a step, or the request itself. */
  get current(): api.Span {
    return this.#step ?? this.span
  }

  step(name: string): void {
    if (!this.isRecording) return
    this.#step?.end()
    this.#step = this.#begin(name)
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#step?.end()
    this.span.end()
  }
}

/** Asked for every few seconds by machines; nobody looks at traces of it. */
const UNTRACED = /^\/-\/(health|metrics)\b/
