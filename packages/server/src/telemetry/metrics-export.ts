/** Sends the metrics of all processes to a collector, every so many seconds. */
import type { HrTime } from '@opentelemetry/api'
import type { DataPoint, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { MetricDefinition, MetricSnapshot } from '../metrics/registry.ts'
import { labelsOf } from '../metrics/registry.ts'
import type { Collector } from './collector.ts'
import { exporterOptions, serverResource, withinStopTime } from './collector.ts'
import { loadMetricPackages, type MetricPackages } from './packages.ts'

export interface MetricsExportOptions {
  readonly collector: Collector
  readonly everySeconds: number
  /** When what is counted began to be. */
  readonly startedAtMs: number
  readonly nowMs: () => number
  readonly version: string
  /** Added up over all processes. */
  readonly collect: () => Promise<readonly MetricSnapshot[]>
  /** Told of what could not be sent. The next time sends all that was counted. */
  readonly onError: (message: string) => void
}

export interface RunningExport {
  /** Sends once more. */
  stop(): Promise<void>
}

/** Throws PackagesMissing. */
export async function startMetricsExport(options: MetricsExportOptions): Promise<RunningExport> {
  const packages = await loadMetricPackages()
  const exporter = new packages.exporter.OTLPMetricExporter(exporterOptions(options.collector, 'metrics'))
  const resource = serverResource(packages.resources, 'primary', options.version)
  const sendNow = async () => {
    const snapshots = await options.collect()
    const metrics = snapshots.map((one) => toMetricData(packages, one, options.startedAtMs, options.nowMs()))
    const scopeMetrics = [{ scope: { name: 'strongroom', version: options.version }, metrics }]
    await send(exporter, { resource, scopeMetrics })
  }
  let sending: Promise<void> = Promise.resolve()
  const queue = () => {
    sending = sending.then(sendNow).catch((error: Error) => options.onError(error.message))
    return sending
  }
  const timer = setInterval(queue, options.everySeconds * 1000)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await withinStopTime(queue().then(() => exporter.shutdown()))
    },
  }
}

type Exporter = InstanceType<MetricPackages['exporter']['OTLPMetricExporter']>

function send(exporter: Exporter, metrics: ResourceMetrics): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(metrics, ({ error }) => (error ? reject(error) : resolve()))
  })
}

/** A snapshot in OTLP's shape. Counters and histograms are cumulative since the start. */
export function toMetricData(
  { api, sdk }: Pick<MetricPackages, 'api' | 'sdk'>,
  { definition, series }: MetricSnapshot,
  startedAtMs: number,
  nowMs: number,
): MetricData {
  const points = <T>(toValue: (cells: readonly number[]) => T): DataPoint<T>[] =>
    Object.entries(series).map(([id, cells]) => ({
      startTime: hrTime(startedAtMs),
      endTime: hrTime(nowMs),
      attributes: labelsOf(definition, id),
      value: toValue(cells),
    }))
  const common = {
    descriptor: {
      name: definition.name,
      description: definition.help,
      unit: unitOf(definition),
      valueType: api.ValueType.DOUBLE,
    },
    aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
  }
  const value = ([first]: readonly number[]) => first ?? 0
  const { SUM, GAUGE, HISTOGRAM } = sdk.DataPointType
  switch (definition.type) {
    case 'counter':
      return { ...common, dataPointType: SUM, isMonotonic: true, dataPoints: points(value) }
    case 'gauge':
      return { ...common, dataPointType: GAUGE, dataPoints: points(value) }
    case 'histogram':
      return { ...common, dataPointType: HISTOGRAM, dataPoints: points((cells) => histogram(definition, cells)) }
  }
}

function histogram({ buckets = [] }: MetricDefinition, [sum = 0, count = 0, ...within]: readonly number[]) {
  // What is above the last bound is in no bucket of ours.
  const above = count - within.reduce((total, one) => total + one, 0)
  return { sum, count, buckets: { boundaries: [...buckets], counts: [...within, above] } }
}

/** UCUM's words, by the endings that our names have. */
function unitOf({ name }: MetricDefinition): string {
  if (/_seconds(_total)?$/.test(name)) return 's'
  if (/_bytes(_total)?$/.test(name)) return 'By'
  return '1'
}

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
