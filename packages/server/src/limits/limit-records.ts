/** Records of quotas that differ from their defaults, and of requests for more. */
import type { QuotaName } from '../quota/quotas.ts'
import { name, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'

/** One quota of one account, where anything was ever asked for. */
export interface AppliedQuota {
  /** Absent: the default. */
  readonly value?: number
  /** The request that waits for an answer. */
  readonly openRequestId?: string
  readonly tags?: readonly QuotaTag[]
}

export interface QuotaTag {
  readonly Key: string
  readonly Value: string
}

export type RequestStatus = 'PENDING' | 'APPROVED' | 'DENIED'

export interface IncreaseRequest {
  readonly id: string
  readonly accountId: string
  /** Empty of a quota that is one for all Regions. */
  readonly region: string
  readonly quota: QuotaName
  readonly desiredValue: number
  readonly status: RequestStatus
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly requesterArn: string
}

export const appliedQuotaRecord = defineRecord<AppliedQuota>({
  label: 'applied quota',
  prefix: 'q',
  formatVersion: 1,
  cached: true,
})
export const increaseRequestRecord = defineRecord<IncreaseRequest>({
  label: 'quota increase request',
  prefix: 'Q',
  formatVersion: 1,
})

export const limitNames = {
  applied: (accountId: string, region: string, quota: QuotaName) => name(accountId, ZERO, region, ZERO, quota),
  /** Ids begin with the time, so an account's requests stand in the order in which they came. */
  request: (accountId: string, id: string) => name(accountId, ZERO, id),
  requestsOf: (accountId: string) => name(accountId, ZERO),
}
