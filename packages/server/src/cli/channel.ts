/** What the primary process and its workers say to each other. */
import type { JournalName } from '../audit/journals.ts'
import type { Payload } from '../journal/payload.ts'
import type { CountedCalls, Lease, QuotaScope } from '../quota/quota-book.ts'
import type { ExportedStoreKey } from '../root-key/store-key.ts'
import type { WorkerStart } from './worker.ts'

/** What one worker may ask of all. The answers' types are known to who asks. */
export type Question =
  | { readonly about: 'metrics' }
  | { readonly about: 'refusal'; readonly requestId: string }
  /** The last use of a KMS key that is not written yet. */
  | { readonly about: 'key-usage'; readonly keyArn: string }
  /** What was counted against quotas and not told yet; the primary answers it for all. */
  | { readonly about: 'quota-usage'; readonly region: string; readonly accountId: string }

export type ToWorker =
  | { readonly type: 'start'; readonly start: WorkerStart }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  /** What all workers answered to this worker's question. */
  | { readonly type: 'answers'; readonly id: number; readonly answers: readonly unknown[] }
  | { readonly type: 'leased'; readonly id: number; readonly lease: Lease | undefined }
  /** The store key as it is now; unseals a worker that had none. Answered when it counts. */
  | { readonly type: 'store-key'; readonly id: number; readonly storeKey: ExportedStoreKey }
  /** Entries are durable; `error`: they could not be kept. */
  | { readonly type: 'journaled'; readonly id: number; readonly error: string | undefined }
  | { readonly type: 'reload-certificate' }
  | { readonly type: 'stop' }

export type ToPrimary =
  | { readonly type: 'online' }
  | { readonly type: 'ready'; readonly httpPort: number | undefined; readonly httpsPort: number | undefined }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number }
  | { readonly type: 'took-store-key'; readonly id: number }
  /** The worker's own answer to an `ask`; undefined where it has none. */
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'want'; readonly id: number; readonly question: Question }
  /** Calls to count against a quota; `leased` answers. */
  | {
      readonly type: 'lease'
      readonly id: number
      readonly scope: QuotaScope
      readonly needed: number
      readonly spare: number
    }
  | { readonly type: 'counted'; readonly calls: readonly CountedCalls[] }
  /** Entries of a journal; `journaled` answers. */
  | { readonly type: 'journal'; readonly id: number; readonly journal: JournalName; readonly payload: Payload }
