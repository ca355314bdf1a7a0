/** Where traces and metrics go, and as whose. */
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as resources from '@opentelemetry/resources'
import type { Resource } from '@opentelemetry/resources'

/** An OTLP endpoint over HTTP, e.g. `http://collector:4318`. Plain JSON, for the channel. */
export interface Collector {
  readonly endpoint: string
  /** Sent along, such as an API key; never logged. */
  readonly headers: Readonly<Record<string, string>>
}

/** What an exporter of the signal takes. */
export const exporterOptions = ({ endpoint, headers }: Collector, signal: 'traces' | 'metrics') => ({
  url: `${endpoint.replace(/\/+$/, '')}/v1/${signal}`,
  headers: { ...headers },
})

/** OpenTelemetry's semantic conventions for resources: service, host, process. */
export const serverResource = (
  { resourceFromAttributes }: typeof resources,
  processName: string,
  version: string,
): Resource =>
  resourceFromAttributes({
    'service.name': 'strongroom',
    'service.version': version,
    'service.instance.id': `${hostname()}:${process.pid}`,
    'host.name': hostname(),
    'process.pid': process.pid,
    'strongroom.process': processName,
  })

/** A collector that does not answer must not hold up the end of the server. */
export async function withinStopTime(stopping: Promise<void>): Promise<void> {
  const ended = new AbortController()
  const timeUp = sleep(STOP_MS, undefined, { signal: ended.signal }).catch(() => undefined)
  await Promise.race([stopping, timeUp])
  ended.abort()
}

const STOP_MS = 3_000

/** `Name: value`, one header a line; empty lines and those that begin with `#` are passed over. Throws a RangeError. */
export function readHeaders(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const [, name, value] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*?)\s*$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new RangeError(`line ${i + 1} is not of the form Name: value`)
    headers[name.toLowerCase()] = value
  }
  return headers
}
