/** What the primary process and its workers say to each other, and a typed way to say it. */
import type { MetricSnapshot } from '../metrics/registry.ts'
import type { WorkerStart } from './worker.ts'

export type ToWorker =
  | { readonly type: 'start'; readonly start: WorkerStart }
  | { readonly type: 'collect-metrics'; readonly id: number }
  | { readonly type: 'metrics'; readonly id: number; readonly snapshots: readonly MetricSnapshot[] }
  | { readonly type: 'reload-certificate' }
  | { readonly type: 'stop' }

export type ToPrimary =
  | { readonly type: 'online' }
  | { readonly type: 'ready'; readonly httpPort: number | undefined; readonly httpsPort: number | undefined }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number }
  /** The worker's own numbers, as asked for by `collect-metrics`. */
  | { readonly type: 'metrics-of-worker'; readonly id: number; readonly snapshot: readonly MetricSnapshot[] }
  /** The worker wants the numbers of all. */
  | { readonly type: 'want-metrics'; readonly id: number }
