/** The newest report of each account on how far its quotas are used; a new one takes its place. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { QuotaName } from '../quota/quotas.ts'
import { name, ZERO } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'

export interface UtilizationReport {
  readonly id: string
  readonly atMs: number
  /** In percent of the applied value; the most used first. */
  readonly quotas: readonly {
    readonly quota: QuotaName
    readonly utilization: number
    readonly applied: number
    readonly byDefault: number
  }[]
}

const reportRecord = defineRecord<UtilizationReport>({
  label: 'quota utilization report',
  prefix: 'T',
  formatVersion: 1,
})

export class UtilizationReports {
  readonly #records: RecordStore
  readonly #clock: Clock

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  async keep(accountId: string, region: string, quotas: UtilizationReport['quotas']): Promise<UtilizationReport> {
    const sorted = [...quotas].sort((a, b) => b.utilization - a.utilization)
    const report = { id: randomUUID(), atMs: this.#clock.nowMs(), quotas: sorted }
    await this.#records.commit([], [this.#records.put(reportRecord, reportName(accountId, region), report)])
    return report
  }

  async find(accountId: string, region: string, id: string): Promise<UtilizationReport | undefined> {
    const stored = await this.#records.get(reportRecord, reportName(accountId, region))
    return stored?.value.id === id ? stored.value : undefined
  }
}

const reportName = (accountId: string, region: string) => name(accountId, ZERO, region)
