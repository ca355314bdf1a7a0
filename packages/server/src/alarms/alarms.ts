/**
 * Alarms: how they are configured, the states that they are in, and what is committed with a change of either. A change of
 * state, its history and the notifications that follow of it are one commit, so that none of them is lost or made twice.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { MetricScope } from '../metrics/metric-data.ts'
import { eachIn } from '../records/each-record.ts'
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { AlarmHistory } from './alarm-history.ts'
import {
  type Alarm,
  type AlarmConfiguration,
  type AlarmNotification,
  type AlarmState,
  type AlarmTag,
  alarmGeneration,
  alarmNames,
  alarmNotificationRecord,
  alarmRecord,
  type StateValue,
} from './alarm-records.ts'
import { configurationUpdate, stateUpdate } from './history-data.ts'
import { notificationMessage, notificationSubject } from './notification-message.ts'

/** As AWS's quota is at first. */
const MOST_ALARMS = 10_000
const ATTEMPTS = 5
/** Several processes count for themselves, so each takes a part only of the room that it sees. */
const SHARES = 8
const LEAST_SHARE = 16

/** How many alarms may be made before they are counted again. */
interface Room {
  readonly isFull: boolean
  left: number
}

export class Alarms {
  readonly history: AlarmHistory
  readonly #records: RecordStore
  readonly #clock: Clock
  readonly #rooms = new Map<string, Promise<Room>>()

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
    this.history = new AlarmHistory(records)
  }

  async find(scope: MetricScope, alarmName: string): Promise<Alarm | undefined> {
    return (await this.#records.get(alarmRecord, alarmNames.alarm(scope, alarmName)))?.value
  }

  /** In the order of their names, those whose name begins with `prefix` and stands after `after`. */
  async *each(scope: MetricScope, { prefix = '', after = '' } = {}): AsyncGenerator<Alarm> {
    const gte = alarmNames.alarm(scope, prefix)
    const from = after === '' ? gte : nameAfter(alarmNames.alarm(scope, after))
    for await (const { value } of eachIn(this.#records, alarmRecord, {
      gte: Buffer.compare(from, gte) > 0 ? from : gte,
      lt: prefixEnd(gte),
    })) {
      yield value
    }
  }

  /** Makes it, or configures it anew: then its state and its tags stay. Throws AlarmLimitReached. */
  async put(scope: MetricScope, configuration: AlarmConfiguration, tags: readonly AlarmTag[]): Promise<void> {
    await this.#change(scope, configuration.alarmName, async (stored) => {
      if (!stored) await this.#requireRoom(scope)
      const atMs = this.#clock.nowMs()
      const unchanged = { stateUpdatedAtMs: atMs, stateTransitionedAtMs: atMs, state: UNCHECKED, tags }
      const alarm: Alarm = { ...(stored?.value ?? unchanged), configuration, configuredAtMs: atMs }
      const told = configurationUpdate(stored ? 'Update' : 'Create', scope, alarm)
      const item = this.history.item(scope, { alarmName: configuration.alarmName, atMs, ...told })
      return [this.#put(scope, alarm), item]
    })
  }

  /** Those that are not there are left out. */
  async delete(scope: MetricScope, alarmNamesGiven: readonly string[]): Promise<void> {
    for (const alarmName of alarmNamesGiven) {
      await this.#change(scope, alarmName, async (stored) => {
        if (!stored) return undefined
        const told = configurationUpdate('Delete', scope, stored.value)
        const item = this.history.item(scope, { alarmName, atMs: this.#clock.nowMs(), ...told })
        return [this.#records.remove(alarmRecord, stored.name), item]
      })
    }
  }

  /** Those that are not there are left out. */
  async enableActions(scope: MetricScope, alarmNamesGiven: readonly string[], actionsEnabled: boolean): Promise<void> {
    for (const alarmName of alarmNamesGiven) {
      await this.#change(scope, alarmName, async (stored) => {
        if (!stored || stored.value.configuration.actionsEnabled === actionsEnabled) return undefined
        const atMs = this.#clock.nowMs()
        const configuration = { ...stored.value.configuration, actionsEnabled }
        const alarm = { ...stored.value, configuration, configuredAtMs: atMs }
        const item = this.history.item(scope, { alarmName, atMs, ...configurationUpdate('Update', scope, alarm) })
        return [this.#put(scope, alarm), item]
      })
    }
  }

  /** False where there is no such alarm. */
  async setTags(
    scope: MetricScope,
    alarmName: string,
    change: (tags: readonly AlarmTag[]) => readonly AlarmTag[],
  ): Promise<boolean> {
    return this.#change(scope, alarmName, async (stored) =>
      stored ? [this.#put(scope, { ...stored.value, tags: change(stored.value.tags) })] : undefined,
    )
  }

  /** By a caller, until the next evaluation says otherwise. False where there is no such alarm. */
  async setState(scope: MetricScope, alarmName: string, state: AlarmState): Promise<boolean> {
    return this.#change(scope, alarmName, async (stored) =>
      stored ? this.#transition(scope, stored.value, state).mutations : undefined,
    )
  }

  /** By the evaluator. The alarm as it is then; undefined where it has changed meanwhile. */
  async evaluated(scope: MetricScope, stored: Stored<Alarm>, state: AlarmState): Promise<Alarm | undefined> {
    const { alarm, mutations } = this.#transition(scope, stored.value, state)
    const done = await this.#records.commit([this.#records.unchanged(alarmRecord, stored)], mutations)
    return done ? alarm : undefined
  }

  /** Changes of the alarm's value are told; a new reason alone is only kept. */
  #transition(scope: MetricScope, before: Alarm, state: AlarmState) {
    const atMs = this.#clock.nowMs()
    const isOther = state.value !== before.state.value
    const alarm: Alarm = {
      ...before,
      state,
      stateUpdatedAtMs: atMs,
      stateTransitionedAtMs: isOther ? atMs : before.stateTransitionedAtMs,
    }
    const mutations = [this.#put(scope, alarm)]
    if (isOther) {
      const { alarmName } = before.configuration
      mutations.push(this.history.item(scope, { alarmName, atMs, ...stateUpdate(before.state, state) }))
      mutations.push(...this.#notifications(scope, alarm, before.state.value))
    }
    return { alarm, mutations }
  }

  #notifications(scope: MetricScope, alarm: Alarm, oldState: StateValue): Mutation[] {
    const { configuration, state, stateUpdatedAtMs } = alarm
    if (!configuration.actionsEnabled) return []
    const { alarmName } = configuration
    const message = notificationMessage(scope, alarm, oldState)
    return configuration[ACTIONS_OF[state.value]].map((actionArn) => {
      const notification: AlarmNotification = {
        ...scope,
        alarmName,
        actionArn,
        stateUpdatedAtMs,
        subject: notificationSubject(scope, alarmName, state.value),
        message,
        messageId: randomUUID(),
        attempts: 0,
        dueAtMs: stateUpdatedAtMs,
      }
      return this.#records.put(alarmNotificationRecord, alarmNames.notification(notification.messageId), notification)
    })
  }

  /** Counts only now and then, since that reads them all; a few more than the limit may so come to be. */
  async #requireRoom(scope: MetricScope): Promise<void> {
    const id = `${scope.accountId} ${scope.region}`
    for (;;) {
      const counting = this.#rooms.get(id) ?? this.#countRoom(scope)
      this.#rooms.set(id, counting)
      const room = await counting.catch((error: unknown) => {
        this.#rooms.delete(id)
        throw error
      })
      if (room.left-- > 0) return
      if (this.#rooms.get(id) === counting) this.#rooms.delete(id)
      if (room.isFull) throw new Fault('AlarmLimitReached', { limit: MOST_ALARMS })
    }
  }

  async #countRoom(scope: MetricScope): Promise<Room> {
    const gte = alarmNames.alarmsOf(scope)
    const { length } = await this.#records.names(alarmRecord, { gte, lt: prefixEnd(gte), limit: MOST_ALARMS })
    const isFull = length >= MOST_ALARMS
    return { isFull, left: isFull ? 0 : Math.max(LEAST_SHARE, Math.floor((MOST_ALARMS - length) / SHARES)) }
  }

  #put(scope: MetricScope, alarm: Alarm): Mutation {
    return this.#records.put(alarmRecord, alarmNames.alarm(scope, alarm.configuration.alarmName), alarm)
  }

  /** Commits what `change` makes of the alarm as it is, again where it has changed meanwhile; false where it makes nothing. */
  async #change(
    scope: MetricScope,
    alarmName: string,
    change: (stored: Stored<Alarm> | undefined) => Promise<readonly Mutation[] | undefined>,
  ): Promise<boolean> {
    const at = alarmNames.alarm(scope, alarmName)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stored = await this.#records.get(alarmRecord, at)
      const mutations = await change(stored)
      if (!mutations) return false
      const generation = this.#records.put(alarmGeneration, alarmNames.generation, {
        id: randomBytes(16).toString('hex'),
      })
      const check = this.#records.still(alarmRecord, at, stored)
      if (await this.#records.commit([check], [...mutations, generation])) return true
    }
    throw new Fault('Contention', { what: 'an alarm' })
  }
}

const UNCHECKED: AlarmState = { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation' }

const ACTIONS_OF = {
  OK: 'okActions',
  ALARM: 'alarmActions',
  INSUFFICIENT_DATA: 'insufficientDataActions',
} as const satisfies Record<StateValue, keyof AlarmConfiguration>
