/** The OpenTelemetry packages: optional, so loaded only where the configuration asks for them. */
import type * as api from '@opentelemetry/api'
import type * as metricExporter from '@opentelemetry/exporter-metrics-otlp-http'
import type * as traceExporter from '@opentelemetry/exporter-trace-otlp-http'
import type * as resources from '@opentelemetry/resources'
import type * as metricsSdk from '@opentelemetry/sdk-metrics'
import type * as traceSdk from '@opentelemetry/sdk-trace-base'

export interface TracePackages {
  readonly api: typeof api
  readonly resources: typeof resources
  readonly sdk: typeof traceSdk
  readonly exporter: typeof traceExporter
}

export interface MetricPackages {
  readonly api: typeof api
  readonly resources: typeof resources
  readonly sdk: typeof metricsSdk
  readonly exporter: typeof metricExporter
}

/** Packages are not installed. The message says how they are. */
export class PackagesMissing extends Error {
  constructor(options: ErrorOptions) {
    super(`otlp needs packages that are not installed: npm install ${PACKAGES.join(' ')}`, options)
    this.name = 'PackagesMissing'
  }
}

/** Throws PackagesMissing. */
export const loadTracePackages = (): Promise<TracePackages> =>
  found(async () => ({
    api: await import('@opentelemetry/api'),
    resources: await import('@opentelemetry/resources'),
    sdk: await import('@opentelemetry/sdk-trace-base'),
    exporter: await import('@opentelemetry/exporter-trace-otlp-http'),
  }))

/** Throws PackagesMissing. */
export const loadMetricPackages = (): Promise<MetricPackages> =>
  found(async () => ({
    api: await import('@opentelemetry/api'),
    resources: await import('@opentelemetry/resources'),
    sdk: await import('@opentelemetry/sdk-metrics'),
    exporter: await import('@opentelemetry/exporter-metrics-otlp-http'),
  }))

async function found<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') throw new PackagesMissing({ cause: error })
    throw error
  }
}

/** With versions: later ones want a later Node. */
const PACKAGES = [
  '@opentelemetry/api@1.9',
  '@opentelemetry/resources@2',
  '@opentelemetry/sdk-trace-base@2',
  '@opentelemetry/exporter-trace-otlp-http@0.223',
  '@opentelemetry/sdk-metrics@2',
  '@opentelemetry/exporter-metrics-otlp-http@0.223',
]
