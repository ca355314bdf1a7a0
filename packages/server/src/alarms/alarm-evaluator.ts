/**
 * Evaluates alarms when they are due: each once in its period, but at least once a minute and at most every ten seconds. What
 * is due when is in memory; the records are read again only where something has changed. To be run by one process.
 */
import type { Clock } from '../core/clock.ts'
import { inParallel } from '../core/in-parallel.ts'
import type { MetricScope } from '../metrics/metric-data.ts'
import { ALL_NAMES } from '../records/each-record.ts'
import { nameAfter } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { type Alarm, alarmGeneration, alarmNames, alarmRecord, scopeOfName } from './alarm-records.ts'
import type { Alarms } from './alarms.ts'
import { type EvaluationSources, evaluateAlarm, periodSecondsOf } from './evaluate-alarm.ts'

export interface AlarmEvaluatorOptions extends EvaluationSources {
  readonly records: RecordStore
  readonly alarms: Alarms
  readonly clock: Clock
  /** An alarm could not be read or evaluated; it is tried again when it is due next. */
  readonly onFailure: (alarmName: string, error: Error) => void
}

interface Known {
  readonly name: Uint8Array
  readonly scope: MetricScope
  readonly alarmName: string
  /** Undefined where its record could not be read. */
  stored: Stored<Alarm> | undefined
  version: number
  dueAtMs: number
}

export class AlarmEvaluator {
  readonly #options: AlarmEvaluatorOptions
  readonly #known = new Map<string, Known>()
  /** Undefined before the first look. */
  #generation: number | 'none' | undefined

  constructor(options: AlarmEvaluatorOptions) {
    this.#options = options
  }

  /** Evaluates all that is due. */
  async run(): Promise<void> {
    await this.#look()
    const nowMs = this.#options.clock.nowMs()
    const due = [...this.#known.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs)
    await inParallel(due, AT_ONCE, (known) => this.#evaluate(known, nowMs))
  }

  /** Takes notice of alarms that were made, changed or removed. */
  async #look(): Promise<void> {
    const { records, clock } = this.#options
    const generation = (await records.get(alarmGeneration, alarmNames.generation))?.version ?? 'none'
    if (generation === this.#generation) return
    // After a start all would be due at once, so they are spread over the time that they have.
    const isFirst = this.#generation === undefined
    const gone = new Set(this.#known.keys())
    for (let gte: Uint8Array = ALL_NAMES.gte; ; ) {
      const page = await records.versions(alarmRecord, { ...ALL_NAMES, gte, limit: PAGE })
      for (const { name, version } of page) {
        const id = Buffer.from(name).toString('latin1')
        gone.delete(id)
        const known = this.#known.get(id)
        if (known?.version === version) continue
        const { rest, ...scope } = scopeOfName(name)
        const alarmName = Buffer.from(rest).toString()
        const next: Known = known ?? { name, scope, alarmName, stored: undefined, version, dueAtMs: 0 }
        const before = JSON.stringify(next.stored?.value.configuration)
        this.#known.set(id, next)
        await this.#read(next)
        // A state that somebody has set stays until the alarm is due anyway.
        if (next.stored && JSON.stringify(next.stored.value.configuration) === before) continue
        next.dueAtMs = clock.nowMs() + (isFirst ? Math.random() * intervalMs(next) : 0)
      }
      if (page.length < PAGE) break
      gte = nameAfter(page.at(-1)!.name)
    }
    for (const id of gone) this.#known.delete(id)
    this.#generation = generation
  }

  async #evaluate(known: Known, nowMs: number): Promise<void> {
    known.dueAtMs = nowMs + intervalMs(known)
    try {
      if (!known.stored) await this.#read(known)
      const { stored, scope } = known
      if (!stored) return
      const state = await evaluateAlarm(stored.value, scope, nowMs, this.#options)
      if (!state || state.value === stored.value.state.value) return
      await this.#options.alarms.evaluated(scope, stored, state)
      // Also where it has changed meanwhile: it is looked at anew with what it is now.
      await this.#read(known)
    } catch (error) {
      this.#options.onFailure(known.alarmName, error as Error)
    }
  }

  async #read(known: Known): Promise<void> {
    try {
      known.stored = await this.#options.records.get(alarmRecord, known.name)
      if (known.stored) known.version = known.stored.version
    } catch (error) {
      known.stored = undefined
      this.#options.onFailure(known.alarmName, error as Error)
    }
  }
}

function intervalMs({ stored }: Known): number {
  const seconds = stored ? periodSecondsOf(stored.value.configuration) : LONGEST_SECONDS
  return Math.min(Math.max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS) * 1000
}

/** Changes of state that are committed together share a sync. */
const AT_ONCE = 16
const PAGE = 1000
const SHORTEST_SECONDS = 10
const LONGEST_SECONDS = 60
