/** What operators' tools need to be told: who may read metrics, and where traces and metrics go. Read once, by the primary. */
import { readFile } from 'node:fs/promises'
import { type Collector, readHeaders } from '../telemetry/collector.ts'
import { loadMetricPackages, loadTracePackages, PackagesMissing } from '../telemetry/packages.ts'
import type { ConfigFile } from './config-file.ts'
import { ConfigurationError } from './exit.ts'

/** Plain JSON, so that the primary can hand it to its workers. */
export interface OperatorTools {
  /** Undefined: none is needed, as far as `metrics.open` says. */
  readonly metricsToken: string | undefined
  /** Undefined: nothing is sent. */
  readonly collector: Collector | undefined
}

/** Throws ConfigurationError where a file cannot be read or packages are missing. */
export async function readOperatorTools({ metrics, otlp }: ConfigFile): Promise<OperatorTools> {
  const metricsToken =
    metrics.tokenFile === undefined ? metrics.token : (await readSecret('metrics.tokenFile', metrics.tokenFile)).trim()
  if (metricsToken === '') throw new ConfigurationError(`metrics.tokenFile: ${metrics.tokenFile} is empty`)
  if (!otlp) return { metricsToken, collector: undefined }
  try {
    if (otlp.traces) await loadTracePackages()
    if (otlp.metrics) await loadMetricPackages()
    const headers = otlp.headersFile === undefined ? '' : await readSecret('otlp.headersFile', otlp.headersFile)
    return { metricsToken, collector: { endpoint: otlp.endpoint, headers: readHeaders(headers) } }
  } catch (error) {
    if (error instanceof PackagesMissing) throw new ConfigurationError(error.message, { cause: error })
    if (error instanceof RangeError) throw new ConfigurationError(`otlp.headersFile: ${error.message}`)
    throw error
  }
}

async function readSecret(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ConfigurationError(`${setting}: cannot read ${path}: ${(error as Error).message}`)
  }
}
