/** What the primary process and its workers say to each other. */
import type { WorkerStart } from './worker.ts'

/** What one worker may ask of all. The answers' types are known to who asks. */
export type Question = { readonly about: 'metrics' } | { readonly about: 'refusal'; readonly requestId: string }

export type ToWorker =
  | { readonly type: 'start'; readonly start: WorkerStart }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  /** What all workers answered to this worker's question. */
  | { readonly type: 'answers'; readonly id: number; readonly answers: readonly unknown[] }
  | { readonly type: 'reload-certificate' }
  | { readonly type: 'stop' }

export type ToPrimary =
  | { readonly type: 'online' }
  | { readonly type: 'ready'; readonly httpPort: number | undefined; readonly httpsPort: number | undefined }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number }
  /** The worker's own answer to an `ask`; undefined where it has none. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'want'; readonly id: number; readonly question: Question }
