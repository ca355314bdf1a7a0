/** What the primary does for CloudWatch: evaluates alarms, notifies, measures buckets, and lets old data go. */
import { AlarmEvaluator } from '../alarms/alarm-evaluator.ts'
import { Notifier } from '../alarms/notifier.ts'
import { Webhooks } from '../alarms/webhooks.ts'
import { systemClock } from '../core/clock.ts'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import type { KeyUpkeep } from '../keys/key-upkeep.ts'
import type { Datum } from '../metrics/metric-data.ts'
import type { PrimaryMetrics } from '../metrics/primary-metrics.ts'
import { StorageMetrics } from '../objects/storage-metrics.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store.ts'

const EVALUATE_MS = 2_000
const NOTIFY_MS = 1_000
const TIDY_MS = 60_000
const PUBLISH_MS = 5_000
/** All keys are looked at for it. */
const EXPIRATIONS_MS = 300_000

/** Returns what ends it, after waiting for what is under way. */
export function monitor(
  { region, file }: Settings,
  store: Store,
  own: PrimaryMetrics,
  complain: (text: string) => void,
): () => Promise<void> {
  const { records, alarms, metrics, quotas } = store
  const ofOperator = { accountId: ROOT_ACCOUNT, region }
  const evaluator = new AlarmEvaluator({
    records,
    alarms,
    metrics,
    serviceQuota: (scope, metric) => quotas.ofUsage(scope, metric),
    clock: systemClock,
    onFailure: (alarmName, error) => complain(`the alarm ${alarmName} could not be evaluated: ${error.message}`),
  })
  const webhooks = new Webhooks(file.alarms.webhooks)
  const notifier = new Notifier({ records, history: alarms.history, webhooks, clock: systemClock })
  const { storageSeconds } = file.metrics
  const storage = new StorageMetrics({
    ...{ records, region, store: metrics, clock: systemClock },
    everySeconds: storageSeconds,
    report: (problem) => complain(`storage metrics leave out what does not open: ${problem}`),
  })
  const ends = [
    repeat(EVALUATE_MS, 'alarms could not be evaluated', () => evaluator.run()),
    repeat(NOTIFY_MS, 'notifications of alarms could not be sent', () => notifier.run()),
    repeat(Math.min(TIDY_MS, 1000 * storageSeconds), 'storage metrics could not be taken', () => storage.run()),
    repeat(PUBLISH_MS, 'the primary’s metrics could not be published', () =>
      metrics.put(ofOperator, own.processData(systemClock.nowMs())),
    ),
    repeat(Math.min(EXPIRATIONS_MS, 1000 * storageSeconds), 'expirations of keys could not be published', async () => {
      for (const [inRegion, { upkeep }] of store.kmsByRegion) {
        for (const [accountId, data] of await expirationData(upkeep, systemClock.nowMs())) {
          await metrics.put({ accountId, region: inRegion }, data)
        }
      }
    }),
    repeat(TIDY_MS, 'metrics could not be rolled up', () => metrics.rollUp()),
    repeat(TIDY_MS, 'the history of alarms could not be shortened', () =>
      alarms.history.removeOld(systemClock.nowMs()),
    ),
  ]
  return async () => {
    await Promise.all(ends.map((end) => end()))
  }

  /** One at a time: where one takes longer than the pause, the next begins after it. */
  function repeat(everyMs: number, failure: string, work: () => Promise<void>): () => Promise<void> {
    let underway: Promise<void> | undefined
    const timer = setInterval(() => {
      underway ??= work()
        .catch((error: Error) => complain(`${failure}: ${error.message}`))
        .finally(() => {
          underway = undefined
        })
    }, everyMs)
    return async () => {
      clearInterval(timer)
      await underway
    }
  }
}

/** By account: for how long imported key material is still good (KMS developer guide, "Monitoring with CloudWatch"). */
async function expirationData(upkeep: KeyUpkeep, nowMs: number): Promise<ReadonlyMap<string, Datum[]>> {
  const byAccount = new Map<string, Datum[]>()
  for await (const { accountId, keyId, expiresAtMs } of upkeep.expirations()) {
    const data = byAccount.get(accountId) ?? []
    byAccount.set(accountId, data)
    data.push({
      metric: {
        namespace: 'AWS/KMS',
        name: 'SecondsUntilKeyMaterialExpiration',
        dimensions: [{ name: 'KeyId', value: keyId }],
      },
      atMs: nowMs,
      unit: 'Seconds',
      data: { values: [Math.max(0, (expiresAtMs - nowMs) / 1000)], counts: [1] },
    })
  }
  return byAccount
}
