/** Dashboards: documents that a console draws, kept by name; they are of an account, not of a Region. */
import type { Clock } from '../core/clock.ts'
import { each } from '../records/each-record.ts'
import { name, ZERO } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'

export interface Dashboard {
  readonly dashboardName: string
  /** JSON, as it was put. */
  readonly body: string
  readonly modifiedAtMs: number
}

const dashboardRecord = defineRecord<Dashboard>({ label: 'dashboard', prefix: '8', formatVersion: 1 })
const nameOf = (accountId: string, dashboardName: string) => name(accountId, ZERO, dashboardName)

export class Dashboards {
  readonly #records: RecordStore
  readonly #clock: Clock

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  async put(accountId: string, dashboardName: string, body: string): Promise<void> {
    const dashboard = { dashboardName, body, modifiedAtMs: this.#clock.nowMs() }
    await this.#records.commit([], [this.#records.put(dashboardRecord, nameOf(accountId, dashboardName), dashboard)])
  }

  async find(accountId: string, dashboardName: string): Promise<Dashboard | undefined> {
    return (await this.#records.get(dashboardRecord, nameOf(accountId, dashboardName)))?.value
  }

  /** In the order of their names. */
  async list(accountId: string, prefix: string): Promise<readonly Dashboard[]> {
    const found: Dashboard[] = []
    for await (const { value } of each(this.#records, dashboardRecord, nameOf(accountId, prefix))) found.push(value)
    return found
  }

  /** All or none: the names that are of no dashboard, where there are any. */
  async delete(accountId: string, dashboardNames: readonly string[]): Promise<readonly string[]> {
    const stored = await Promise.all(
      dashboardNames.map((one) => this.#records.get(dashboardRecord, nameOf(accountId, one))),
    )
    const absent = dashboardNames.filter((_, at) => !stored[at])
    if (absent.length > 0) return absent
    await this.#records.commit(
      [],
      dashboardNames.map((one) => this.#records.remove(dashboardRecord, nameOf(accountId, one))),
    )
    return []
  }
}
