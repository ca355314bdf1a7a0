/** Sends the traces of one process to a collector. */
import type { Collector } from './collector.ts'
import { exporterOptions, serverResource, withinStopTime } from './collector.ts'
import { loadTracePackages } from './packages.ts'
import { RequestTraces } from './request-traces.ts'

export interface TraceOptions {
  readonly collector: Collector
  /** Of the traces that begin here; whether those of a caller go on is the caller's choice. */
  readonly sampleRatio: number
  readonly processName: string
  readonly version: string
  /** Told of spans that could not be sent. */
  readonly onError: (message: string) => void
}

export interface RunningTraces {
  readonly requests: RequestTraces
  /** Sends what is left. */
  stop(): Promise<void>
}

/** Throws PackagesMissing. */
export async function startTraces(options: TraceOptions): Promise<RunningTraces> {
  const { api, resources, sdk, exporter } = await loadTracePackages()
  const report = (message: string) => options.onError(message)
  const silent = () => undefined
  api.diag.setLogger(
    { error: report, warn: report, info: silent, debug: silent, verbose: silent },
    api.DiagLogLevel.WARN,
  )
  const provider = new sdk.BasicTracerProvider({
    resource: serverResource(resources, options.processName, options.version),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter(exporterOptions(options.collector, 'traces'))),
    ],
  })
  return {
    requests: new RequestTraces(api, provider.getTracer('strongroom', options.version)),
    stop: () => withinStopTime(provider.shutdown().catch((error: Error) => report(error.message))),
  }
}
