/** Blocks and series as bytes (docs/formats/metrics.md). */
import { Fault } from '../core/fault.ts'
import { Cell } from './cell.ts'
import { Distribution } from './distribution.ts'
import { type MetricIdentity, UNITS, type Unit } from './metric-data.ts'
import { ByteReader, ByteWriter } from './packed-bytes.ts'
import { CELLS_PER_BLOCK } from './retention.ts'

/** Cells of a block by {@link cellKey}, each as its bytes, so that only those are read that somebody wants. */
export type Block = Map<number, Uint8Array>

/** One cell for each place in the block and unit. */
export const cellKey = (cell: number, unit: Unit): number => cell * UNIT_SPACE + UNITS.indexOf(unit)
export const placeInBlock = (key: number): number => Math.floor(key / UNIT_SPACE)
export const unitOfCell = (key: number): Unit => UNITS[key % UNIT_SPACE]!

export function encodeBlock(block: Block): Uint8Array {
  const out = new ByteWriter()
  out.byte(BLOCK_VERSION)
  for (const key of [...block.keys()].sort((a, b) => a - b)) {
    const cell = block.get(key)!
    out.byte(placeInBlock(key))
    out.byte(key % UNIT_SPACE)
    out.varint(cell.length)
    out.raw(cell)
  }
  return out.bytes()
}

/** Throws Fault 'Damaged' where it is no block. */
export const decodeBlock = (bytes: Uint8Array): Block =>
  readable('a block of metrics', () => {
    const input = new ByteReader(bytes)
    if (input.byte() !== BLOCK_VERSION) throw new RangeError('unknown version')
    const block: Block = new Map()
    while (!input.ended) {
      const place = input.byte()
      const unit = input.byte()
      if (place >= CELLS_PER_BLOCK || unit >= UNITS.length) throw new RangeError('no such cell')
      block.set(place * UNIT_SPACE + unit, input.raw(input.varint()))
    }
    return block
  })

export function encodeCell(cell: Cell): Uint8Array {
  const { distribution } = cell
  const out = new ByteWriter()
  const single = cell.minimum === cell.maximum
  out.byte((single ? SINGLE : 0) | (distribution ? SPREAD : 0))
  out.number(cell.sampleCount)
  out.number(cell.sum)
  out.number(cell.minimum)
  if (!single) out.number(cell.maximum)
  // One value needs no buckets: they follow from it.
  if (!distribution || single) return out.bytes()
  let before = 0
  for (const [bucket, count] of distribution.buckets) {
    out.number(bucket - before)
    out.number(count)
    before = bucket
  }
  return out.bytes()
}

/** Throws Fault 'Damaged' where it is no cell. */
export const decodeCell = (bytes: Uint8Array): Cell =>
  readable('a cell of metrics', () => readCell(new ByteReader(bytes)))

function readCell(input: ByteReader): Cell {
  const flags = input.byte()
  if (flags > (SINGLE | SPREAD)) throw new RangeError('unknown flags')
  const sampleCount = input.number()
  const sum = input.number()
  const minimum = input.number()
  const maximum = flags & SINGLE ? minimum : input.number()
  const distribution = flags & SPREAD ? readDistribution(input, flags, minimum, sampleCount) : undefined
  if (!input.ended) throw new RangeError('too long')
  return Object.assign(new Cell(), { sampleCount, sum, minimum, maximum, distribution })
}

function readDistribution(input: ByteReader, flags: number, value: number, count: number): Distribution {
  if (flags & SINGLE) {
    const one = new Distribution()
    one.add(value, count)
    return one
  }
  const buckets: (readonly [key: number, count: number])[] = []
  let bucket = 0
  while (!input.ended) {
    bucket += input.number()
    buckets.push([bucket, input.number()])
  }
  return new Distribution(buckets)
}

/** A metric that there is data of. */
export interface Series {
  readonly metric: MetricIdentity
  /** When data of it last arrived, to within some minutes. */
  readonly activeMs: number
}

export function encodeSeries({ metric, activeMs }: Series): Uint8Array {
  const out = new ByteWriter()
  out.byte(SERIES_VERSION)
  out.varint(Math.floor(activeMs / MINUTE_MS))
  out.text(metric.namespace)
  out.text(metric.name)
  for (const { name, value } of metric.dimensions) {
    out.text(name)
    out.text(value)
  }
  return out.bytes()
}

/** Throws Fault 'Damaged' where it is no series. */
export const decodeSeries = (bytes: Uint8Array): Series => readable('the name of a metric', () => readSeries(bytes))

function readSeries(bytes: Uint8Array): Series {
  const input = new ByteReader(bytes)
  if (input.byte() !== SERIES_VERSION) throw new RangeError('unknown version')
  const activeMs = input.varint() * MINUTE_MS
  const namespace = input.text()
  const name = input.text()
  const dimensions: { name: string; value: string }[] = []
  while (!input.ended) dimensions.push({ name: input.text(), value: input.text() })
  return { metric: { namespace, name, dimensions }, activeMs }
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new Fault('Damaged', { what }, { cause })
  }
}

const BLOCK_VERSION = 1
const SERIES_VERSION = 1
const MINUTE_MS = 60_000
/** More than there are units. */
const UNIT_SPACE = 32
/** All values of the cell are equal. */
const SINGLE = 1
/** It is known how the values are spread. */
const SPREAD = 2
