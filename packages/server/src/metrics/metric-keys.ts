/** Catalog keys of the metric catalog, which is one of its own (docs/formats/metrics.md). */
import { createHash } from 'node:crypto'
import { name, ZERO } from '../records/names.ts'
import type { MetricIdentity, MetricScope } from './metric-data.ts'

export const SERIES = 's'
export const BLOCK = 'd'
export const TALLY = 't'
/** How many series there are. */
export const SERIES_COUNT = name('n')

/** 16 bytes that stand for a metric of a scope. */
export function seriesId(scope: MetricScope, { namespace, name: metric, dimensions }: MetricIdentity): Uint8Array {
  const parts = [scope.accountId, scope.region, namespace, metric, ...dimensions.flatMap((d) => [d.name, d.value])]
  return createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16)
}

export function seriesKey(scope: MetricScope, metric: MetricIdentity, id: Uint8Array): Uint8Array {
  return name(seriesPrefix(scope, metric.namespace, metric.name), id)
}

/** What the keys of a scope's series begin with, of a namespace, of one name in it. */
export function seriesPrefix({ accountId, region }: MetricScope, namespace?: string, metric?: string): Uint8Array {
  const texts = [accountId, region, ...[namespace, metric].flatMap((text) => (text === undefined ? [] : [text]))]
  return name(SERIES, ...texts.flatMap((text) => [short(text), ZERO]))
}

export function blockKey(step: number, block: number, id: Uint8Array): Uint8Array {
  return name(blockPrefix(step, block), id)
}

/** What the keys of a step's blocks of one time begin with; they order by time. */
export function blockPrefix(step: number, block: number): Uint8Array {
  const bytes = Buffer.alloc(6)
  bytes.write(BLOCK, 'latin1')
  bytes.writeUInt8(step, 1)
  bytes.writeUInt32BE(block, 2)
  return bytes
}

export function readBlockKey(key: Uint8Array): { step: number; block: number; id: Uint8Array } {
  const bytes = Buffer.from(key)
  return { step: bytes.readUInt8(1), block: bytes.readUInt32BE(2), id: bytes.subarray(6) }
}

/** Names may be longer than a catalog key can be; the digest tells those apart whose beginnings are the same. */
const short = (text: string): Uint8Array => Buffer.from(text, 'utf8').subarray(0, 255)
