/** What the primary puts into buckets as it falls due: access logs. */
import { journalDir } from '../audit/journals.ts'
import { systemClock } from '../core/clock.ts'
import type { Trail } from '../core/outcome.ts'
import { AccessLogDelivery } from '../delivery/access-logs.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import { dataFolder } from './data-folder.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store.ts'

const LONGEST_PAUSE_MS = 5_000

/** Returns what ends it, after waiting for what is under way. What is left then is delivered after the next start. */
export function deliverLogs(
  { dataDir, region, file }: Settings,
  store: Store,
  trail: Trail,
  complain: (text: string) => void,
): () => Promise<void> {
  const { deliverySeconds } = file.accessLogs
  const { records } = store
  const accessLogs = new AccessLogDelivery({
    records,
    journal: new JournalReader({ dir: journalDir(dataFolder(dataDir).auditDir, 'access'), name: 'access', records }),
    services: { ...store, trail, clock: systemClock, region },
    deliverySeconds,
    onDropped: ({ sourceBucket, logging, lines, reason }) =>
      complain(`${lines} lines of the access log of ${sourceBucket} were dropped: ${logging.targetBucket}: ${reason}`),
  })
  let delivering: Promise<unknown> | undefined
  const timer = setInterval(
    () => {
      delivering ??= accessLogs
        .run()
        .catch((error: Error) => complain(`access logs could not be delivered: ${error.message}`))
        .finally(() => {
          delivering = undefined
        })
    },
    Math.min(1000 * deliverySeconds, LONGEST_PAUSE_MS),
  )
  return async () => {
    clearInterval(timer)
    await delivering
  }
}
