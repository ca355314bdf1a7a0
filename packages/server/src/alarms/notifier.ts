/** Executes the actions that alarms have asked for, and tries again where it must; what waits is a record. */
import type { Clock } from '../core/clock.ts'
import { inParallel } from '../core/in-parallel.ts'
import { each } from '../records/each-record.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { AlarmHistory } from './alarm-history.ts'
import { type AlarmNotification, alarmNotificationRecord } from './alarm-records.ts'
import { action } from './history-data.ts'
import { notificationEnvelope } from './notification-message.ts'
import type { Delivery, Envelope } from './webhooks.ts'

export interface NotifierOptions {
  readonly records: RecordStore
  readonly history: AlarmHistory
  readonly webhooks: { deliver(envelope: Envelope): Promise<Delivery> }
  readonly clock: Clock
}

export class Notifier {
  readonly #options: NotifierOptions

  constructor(options: NotifierOptions) {
    this.#options = options
  }

  /** Tries all that is due, once. To be called by one process at a time. */
  async run(): Promise<void> {
    await inParallel(this.#due(), AT_ONCE, (stored) => this.#execute(stored))
  }

  async *#due(): AsyncGenerator<Stored<AlarmNotification>> {
    const nowMs = this.#options.clock.nowMs()
    for await (const stored of each(this.#options.records, alarmNotificationRecord)) {
      if (stored.value.dueAtMs <= nowMs) yield stored
    }
  }

  /** A process that ends between the delivery and the commit delivers twice, with the same message id. */
  async #execute(stored: Stored<AlarmNotification>): Promise<void> {
    const { records, history, webhooks, clock } = this.#options
    const { name, value } = stored
    const { actionArn: arn, messageId, alarmName, accountId, region } = value
    const failure = await webhooks.deliver({ arn, messageId, body: notificationEnvelope(value, clock.nowMs()) })
    const atMs = clock.nowMs()
    const pauseMs = PAUSES_MS[value.attempts]
    if (failure && !failure.isFinal && pauseMs !== undefined) {
      const later = { ...value, attempts: value.attempts + 1, dueAtMs: atMs + pauseMs }
      await records.commit(
        [records.unchanged(alarmNotificationRecord, stored)],
        [records.put(alarmNotificationRecord, name, later)],
      )
      return
    }
    await records.commit(
      [records.unchanged(alarmNotificationRecord, stored)],
      [
        records.remove(alarmNotificationRecord, name),
        history.item({ accountId, region }, { alarmName, atMs, ...action(value, failure?.error) }),
      ],
    )
  }
}

const AT_ONCE = 8
/** Between attempts; after the last one the action has failed. */
const PAUSES_MS = [2_000, 10_000, 60_000, 300_000]
