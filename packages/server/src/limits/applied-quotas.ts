/**
 * Which quotas apply: the defaults of the profile, and what was granted of them. An increase is asked for by the account
 * and decided by the server's operator, or by itself up to a ceiling that he has set.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault, type QuotaRefusal } from '../core/fault.ts'
import { defaultQuota, type QuotaName, type QuotaProfile, quotaOf } from '../quota/quotas.ts'
import { quotaOfUsageMetric } from '../quota/usage-metric.ts'
import { each } from '../records/each-record.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import {
  type AppliedQuota,
  appliedQuotaRecord,
  type IncreaseRequest,
  increaseRequestRecord,
  limitNames,
  type QuotaTag,
  type RequestStatus,
} from './limit-records.ts'

export interface AppliedQuotasOptions {
  readonly records: RecordStore
  readonly clock: Clock
  readonly profile: QuotaProfile
  /** What is approved without a person. */
  readonly approveUpTo: Readonly<Partial<Record<QuotaName, number>>>
}

interface Scope {
  readonly accountId: string
  readonly region: string
}

export class AppliedQuotas {
  readonly #records: RecordStore
  readonly #clock: Clock
  readonly #profile: QuotaProfile
  readonly #approveUpTo: AppliedQuotasOptions['approveUpTo']

  constructor({ records, clock, profile, approveUpTo }: AppliedQuotasOptions) {
    this.#records = records
    this.#clock = clock
    this.#profile = profile
    this.#approveUpTo = approveUpTo
  }

  /** As every account has it at first. */
  byDefault(quota: QuotaName, region: string): number {
    return defaultQuota(quota, this.#profile, region)
  }

  /** As it applies now. What was granted once stays where the defaults have grown beyond it. */
  async value(scope: Scope, quota: QuotaName): Promise<number> {
    const applied = await this.#records.get(appliedQuotaRecord, nameOf(scope, quota))
    return Math.max(applied?.value.value ?? 0, this.byDefault(quota, scope.region))
  }

  /** Of the quota that a metric of use counts against, in calls a second; undefined where there is none, or no limit. */
  async ofUsage(scope: Scope, metric: Parameters<typeof quotaOfUsageMetric>[0]): Promise<number | undefined> {
    const quota = quotaOfUsageMetric(metric)
    if (quota === undefined) return undefined
    const value = await this.value(scope, quota)
    return Number.isFinite(value) ? value : undefined
  }

  /** Throws QuotaRefused where the value is no increase, and where a request waits already. */
  async request(scope: Scope, quota: QuotaName, desiredValue: number, requesterArn: string): Promise<IncreaseRequest> {
    const at = nameOf(scope, quota)
    const applied = await this.#records.get(appliedQuotaRecord, at)
    if (applied?.value.openRequestId !== undefined) {
      throw refused('ResourceAlreadyExists', 'Only one open service quota increase request is allowed per quota.')
    }
    if (desiredValue <= (await this.value(scope, quota))) {
      throw refused('IllegalArgument', 'You must provide a quota value greater than the current quota value.')
    }
    const nowMs = this.#clock.nowMs()
    const request: IncreaseRequest = {
      id: nowMs.toString(16).padStart(12, '0') + randomBytes(10).toString('hex'),
      accountId: scope.accountId,
      region: regionOf(scope, quota),
      quota,
      desiredValue,
      status: 'PENDING',
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      requesterArn,
    }
    const isApproved = desiredValue <= (this.#approveUpTo[quota] ?? 0)
    const final = isApproved ? ({ ...request, status: 'APPROVED' } as const) : request
    await this.#write(at, applied, final)
    return final
  }

  /** Of the account, or of all where it is left out; the oldest first. */
  async *requests(accountId?: string): AsyncIterable<IncreaseRequest> {
    const prefix = accountId === undefined ? undefined : limitNames.requestsOf(accountId)
    for await (const { value } of each(this.#records, increaseRequestRecord, prefix)) yield value
  }

  async find(accountId: string, id: string): Promise<IncreaseRequest | undefined> {
    return (await this.#records.get(increaseRequestRecord, limitNames.request(accountId, id)))?.value
  }

  /** Answers a request that waits; holds at once. Throws QuotaRefused where there is none, or none that waits. */
  async answer(id: string, status: Exclude<RequestStatus, 'PENDING'>): Promise<IncreaseRequest> {
    for await (const request of this.requests()) {
      if (request.id !== id) continue
      if (request.status !== 'PENDING') {
        throw refused('InvalidResourceState', `The request ${id} is ${request.status} already.`)
      }
      const answered = { ...request, status, updatedAtMs: this.#clock.nowMs() }
      const at = limitNames.applied(request.accountId, request.region, request.quota)
      const applied = await this.#records.get(appliedQuotaRecord, at)
      // Somebody may have answered since the request was read, and the account may have asked anew.
      if (applied?.value.openRequestId !== id) {
        throw refused('InvalidResourceState', `The request ${id} has been answered meanwhile.`)
      }
      await this.#write(at, applied, answered)
      return answered
    }
    throw refused('NoSuchResource', `There is no request ${id}.`)
  }

  async tags(scope: Scope, quota: QuotaName): Promise<readonly QuotaTag[]> {
    return (await this.#records.get(appliedQuotaRecord, nameOf(scope, quota)))?.value.tags ?? []
  }

  async setTags(scope: Scope, quota: QuotaName, change: (tags: readonly QuotaTag[]) => readonly QuotaTag[]) {
    const at = nameOf(scope, quota)
    const applied = await this.#records.get(appliedQuotaRecord, at)
    await this.#commit(at, applied, { ...applied?.value, tags: change(applied?.value.tags ?? []) })
  }

  /** One commit for the request and for what follows of it. */
  async #write(at: Uint8Array, applied: Stored<AppliedQuota> | undefined, request: IncreaseRequest): Promise<void> {
    const { openRequestId: _, ...rest } = applied?.value ?? {}
    const next: AppliedQuota = {
      ...rest,
      ...(request.status === 'APPROVED' && { value: request.desiredValue }),
      ...(request.status === 'PENDING' && { openRequestId: request.id }),
    }
    const requestName = limitNames.request(request.accountId, request.id)
    await this.#commit(at, applied, next, [this.#records.put(increaseRequestRecord, requestName, request)])
  }

  async #commit(
    at: Uint8Array,
    applied: Stored<AppliedQuota> | undefined,
    next: AppliedQuota,
    mutations: readonly Mutation[] = [],
  ): Promise<void> {
    const done = await this.#records.commit(
      [this.#records.still(appliedQuotaRecord, at, applied)],
      [this.#records.put(appliedQuotaRecord, at, next), ...mutations],
    )
    if (!done) throw new Fault('Contention', { what: 'a quota' })
  }
}

const refused = (refusal: QuotaRefusal, message: string) => new Fault('QuotaRefused', { refusal, message })
const regionOf = ({ region }: Scope, quota: QuotaName) => (quotaOf(quota).global ? '' : region)
const nameOf = (scope: Scope, quota: QuotaName) => limitNames.applied(scope.accountId, regionOf(scope, quota), quota)
