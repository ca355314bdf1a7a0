/**
 * The report of how far quotas are used: of a rate, by the busiest second of the last hour; of a number of things, by how
 * many there are.
 */
import type { CallContext } from '../policy/call.ts'
import { QUOTA_NAMES, type QuotaName, quotaOf } from '../quota/quotas.ts'
import { noSuchResource } from './errors.ts'
import { page, type QuotaOperations, requireMay, type ServiceQuotas, scopeOf } from './services.ts'
import { SERVICES, shownValue } from './shapes.ts'

const HOUR_MS = 3_600_000
const MOST_ROWS = 1000

export const REPORT_OPERATIONS = {
  StartQuotaUtilizationReport: {
    readOnly: true,
    async run(services, call) {
      requireMay(call, 'StartQuotaUtilizationReport')
      const { accountId, region } = scopeOf(call)
      const { id } = await services.reports.keep(accountId, region, await utilization(services, call))
      return { ReportId: id, Status: 'PENDING', Message: 'The report is being made.' }
    },
  },
  GetQuotaUtilizationReport: {
    readOnly: true,
    async run({ reports }, call, input) {
      requireMay(call, 'GetQuotaUtilizationReport')
      const { accountId, region } = scopeOf(call)
      const report = await reports.find(accountId, region, input.text('ReportId', 64))
      if (!report) throw noSuchResource('The request failed because the specified report does not exist.')
      const rows = report.quotas.map((row) => {
        const { service, code, title, rate } = quotaOf(row.quota)
        return {
          QuotaCode: code,
          ServiceCode: service,
          QuotaName: title,
          ...(rate && { Namespace: 'AWS/Usage' }),
          Utilization: row.utilization,
          DefaultValue: row.byDefault,
          AppliedValue: row.applied,
          ServiceName: SERVICES[service],
          Adjustable: true,
        }
      })
      const { items, ...rest } = page(input, rows, MOST_ROWS)
      const facts = {
        ReportId: report.id,
        Status: 'COMPLETED',
        GeneratedAt: report.atMs / 1000,
        TotalCount: rows.length,
      }
      return { ...facts, Quotas: items, ...rest }
    },
  },
} satisfies QuotaOperations

async function utilization({ quotas, usage, counts, clock }: ServiceQuotas, call: CallContext) {
  const scope = scopeOf(call)
  const since = clock.nowMs() - HOUR_MS
  const busiest = new Map<QuotaName, number>(
    (await usage(scope.region, scope.accountId)).map(({ quota, minutes }) => [
      quota,
      Math.max(0, ...minutes.filter(({ fromMs }) => fromMs >= since).map(({ busiestSecond }) => busiestSecond)),
    ]),
  )
  const numbers = await counts(scope.region, scope.accountId)
  // Of aliases and grants there are many quotas, one for each key.
  const reported = QUOTA_NAMES.filter((name) => quotaOf(name).rate || name in numbers)
  for (const [name, number] of Object.entries(numbers)) busiest.set(name as QuotaName, number)
  return Promise.all(
    reported.map(async (quota) => {
      const applied = await quotas.value(scope, quota)
      return {
        quota,
        utilization: applied === 0 ? 0 : ((busiest.get(quota) ?? 0) / applied) * 100,
        applied: shownValue(applied),
        byDefault: shownValue(quotas.byDefault(quota, scope.region)),
      }
    }),
  )
}
