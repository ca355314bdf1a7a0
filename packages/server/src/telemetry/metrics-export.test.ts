import * as api from '@opentelemetry/api'
import * as sdk from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { type MetricDefinition, MetricRegistry } from '../metrics/registry.ts'
import { toMetricData } from './metrics-export.ts'

const LABELS = { help: 'h', labels: ['a', 'b'] } as const

function dataOf(definition: MetricDefinition, fill: (metric: ReturnType<MetricRegistry['define']>) => void) {
  const registry = new MetricRegistry()
  fill(registry.define(definition))
  return toMetricData({ api, sdk }, registry.snapshot()[0]!, 1_500, 2_250)
}

const TIMES = { startTime: [1, 500_000_000], endTime: [2, 250_000_000], attributes: { a: 'x', b: 'y' } }

test('a counter', () => {
  const data = dataOf({ ...LABELS, name: 'strongroom_x_bytes_total', type: 'counter' }, (metric) =>
    metric.add(3, 'x', 'y'),
  )
  expect(data).toMatchObject({
    descriptor: { name: 'strongroom_x_bytes_total', description: 'h', unit: 'By' },
    dataPointType: sdk.DataPointType.SUM,
    isMonotonic: true,
    aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
    dataPoints: [{ ...TIMES, value: 3 }],
  })
})

test('a gauge', () => {
  const data = dataOf({ ...LABELS, name: 'strongroom_x_ratio', type: 'gauge' }, (metric) => metric.set(0.5, 'x', 'y'))
  expect(data).toMatchObject({
    descriptor: { unit: '1' },
    dataPointType: sdk.DataPointType.GAUGE,
    dataPoints: [{ ...TIMES, value: 0.5 }],
  })
})

test('a histogram has one bucket more, for what is above the last bound', () => {
  const data = dataOf({ ...LABELS, name: 'strongroom_x_seconds', type: 'histogram', buckets: [1, 2] }, (metric) => {
    for (const value of [0.5, 0.75, 2, 8, 9, 10]) metric.observe(value, 'x', 'y')
  })
  expect(data).toMatchObject({
    descriptor: { unit: 's' },
    dataPointType: sdk.DataPointType.HISTOGRAM,
    dataPoints: [{ ...TIMES, value: { sum: 30.25, count: 6, buckets: { boundaries: [1, 2], counts: [2, 1, 3] } } }],
  })
})
