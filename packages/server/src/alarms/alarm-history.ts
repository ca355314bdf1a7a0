/** The history of alarms: what is written of each change, what is listed, and what goes after 30 days. */
import { randomBytes } from 'node:crypto'
import type { MetricScope } from '../metrics/metric-data.ts'
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import {
  alarmHistoryRecord,
  alarmNames,
  alarmOfHistoryName,
  HISTORY_ID_BYTES,
  type HistoryItem,
  type HistoryItemType,
  scopeOfName,
} from './alarm-records.ts'

export interface HistoryQuery {
  readonly alarmName?: string | undefined
  readonly type?: HistoryItemType | undefined
  readonly fromMs: number
  /** Not included. */
  readonly untilMs: number
  readonly newestFirst: boolean
  readonly limit: number
  /** Where the page before ended. */
  readonly after?: Uint8Array | undefined
}

export interface HistoryPage {
  readonly items: readonly HistoryItem[]
  /** Where it ended; undefined on the last page. */
  readonly end: Uint8Array | undefined
}

const KEPT_MS = 30 * 86_400_000
const PAGE = 500
let sequence = 0

export class AlarmHistory {
  readonly #records: RecordStore

  constructor(records: RecordStore) {
    this.#records = records
  }

  /** To be committed with what it tells of. */
  item(scope: MetricScope, item: Omit<HistoryItem, 'data'> & { readonly data: object }): Mutation {
    sequence = (sequence + 1) % 1000
    const at = alarmNames.historyItem(scope, item.atMs, sequence, item.alarmName, randomBytes(HISTORY_ID_BYTES))
    return this.#records.put(alarmHistoryRecord, at, { ...item, data: JSON.stringify(item.data) })
  }

  /** Names tell the alarm, so that of other alarms' items nothing is opened. */
  async list(scope: MetricScope, query: HistoryQuery): Promise<HistoryPage> {
    const { alarmName, newestFirst: reverse, limit, after } = query
    let { gte, lt } = alarmNames.history(scope, query.fromMs, query.untilMs)
    // Within the range, whatever the caller says where it ended: beyond it stands what belongs to others.
    if (after && reverse) lt = Buffer.compare(after, lt) < 0 ? after : lt
    if (after && !reverse) gte = Buffer.compare(after, gte) >= 0 ? nameAfter(after) : gte
    const items: HistoryItem[] = []
    let end: Uint8Array | undefined
    for (;;) {
      const names = await this.#records.names(alarmHistoryRecord, { gte, lt, limit: PAGE, reverse })
      for (const name of names) {
        if (alarmName !== undefined && alarmOfHistoryName(name) !== alarmName) continue
        const item = await this.#records.get(alarmHistoryRecord, name)
        if (!item || (query.type !== undefined && item.value.type !== query.type)) continue
        if (items.length === limit) return { items, end }
        items.push(item.value)
        end = name
      }
      if (names.length < PAGE) return { items, end: undefined }
      if (reverse) lt = names.at(-1)!
      else gte = nameAfter(names.at(-1)!)
    }
  }

  /** Removes what is older than 30 days, of all accounts. */
  async removeOld(nowMs: number): Promise<void> {
    for (let from: Uint8Array = new Uint8Array(0); ; ) {
      const [first] = await this.#records.names(alarmHistoryRecord, { gte: from, lt: AFTER_ALL, limit: 1 })
      if (!first) return
      const scope = scopeOfName(first)
      const range = alarmNames.history(scope, 0, nowMs - KEPT_MS)
      for (;;) {
        const names = await this.#records.names(alarmHistoryRecord, { ...range, limit: PAGE })
        await this.#records.commit(
          [],
          names.map((name) => this.#records.remove(alarmHistoryRecord, name)),
        )
        if (names.length < PAGE) break
      }
      from = prefixEnd(alarmNames.alarmsOf(scope))
    }
  }
}

const AFTER_ALL = new Uint8Array([0xff])
