/** A small collector: takes OTLP over HTTP in JSON and keeps what it is told (opentelemetry-proto, "JSON Protobuf Encoding"). */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export type AttributeValue = string | number | boolean

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  /** 0: unset, 2: error. */
  readonly status: number
  readonly attributes: Readonly<Record<string, AttributeValue>>
}

export interface ReceivedMetric {
  readonly name: string
  readonly kind: 'sum' | 'gauge' | 'histogram'
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, AttributeValue>>
    /** Of a histogram the count. */
    readonly value: number
  }[]
}

export interface Collector {
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  /** As of the last message. */
  readonly metrics: readonly ReceivedMetric[]
  readonly resources: readonly Readonly<Record<string, AttributeValue>>[]
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders; readonly text: string }[]
  close(): Promise<void>
}

export async function startCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = []
  let metrics: ReceivedMetric[] = []
  const resources: Record<string, AttributeValue>[] = []
  const requests: { path: string; headers: IncomingHttpHeaders; text: string }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers, text })
      const message = JSON.parse(text) as Message
      for (const { resource } of [...(message.resourceSpans ?? []), ...(message.resourceMetrics ?? [])]) {
        resources.push(attributesOf(resource.attributes))
      }
      for (const { scopeSpans } of message.resourceSpans ?? []) spans.push(...scopeSpans.flatMap(toSpans))
      for (const { scopeMetrics } of message.resourceMetrics ?? []) metrics = scopeMetrics.flatMap(toMetrics)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    resources,
    requests,
    get metrics() {
      return metrics
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Attributes = readonly { key: string; value: Record<string, AttributeValue> }[]
interface Resource {
  readonly resource: { readonly attributes: Attributes }
}
interface ScopeSpans {
  readonly spans: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly parentSpanId?: string
    readonly name: string
    readonly kind: number
    readonly status: { readonly code?: number }
    readonly attributes: Attributes
  }[]
}
interface Point {
  readonly attributes: Attributes
  readonly asDouble?: number
  readonly asInt?: string | number
  readonly count?: string | number
}
interface ScopeMetrics {
  readonly metrics: readonly ({ readonly name: string } & {
    readonly [kind in ReceivedMetric['kind']]?: { readonly dataPoints: readonly Point[] }
  })[]
}
interface Message {
  readonly resourceSpans?: readonly (Resource & { readonly scopeSpans: readonly ScopeSpans[] })[]
  readonly resourceMetrics?: readonly (Resource & { readonly scopeMetrics: readonly ScopeMetrics[] })[]
}

const toSpans = ({ spans }: ScopeSpans): ReceivedSpan[] =>
  spans.map(({ traceId, spanId, parentSpanId, name, kind, status, attributes }) => ({
    traceId,
    spanId,
    parentSpanId: parentSpanId || undefined,
    name,
    kind,
    status: status.code ?? 0,
    attributes: attributesOf(attributes),
  }))

const toMetrics = ({ metrics }: ScopeMetrics): ReceivedMetric[] =>
  metrics.map((metric) => {
    const kind = (['sum', 'gauge', 'histogram'] as const).find((one) => metric[one])!
    const points = metric[kind]!.dataPoints.map((point) => ({
      attributes: attributesOf(point.attributes),
      value: Number(point.asDouble ?? point.asInt ?? point.count),
    }))
    return { name: metric.name, kind, points }
  })

/** Each value stands under the name of its type; 64-bit numbers are strings there. */
function attributesOf(attributes: Attributes): Record<string, AttributeValue> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, 'intValue' in value ? Number(value.intValue) : Object.values(value)[0]!]),
  )
}
