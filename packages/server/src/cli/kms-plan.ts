/**
 * `strongroom kms plan`: how many calls of the KMS a workload makes with and without S3 Bucket Keys, or those that a request
 * log tells of, against the quotas of each Region, and from when on they refuse some.
 */
import { createReadStream } from 'node:fs'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { BUCKET_KEY_KEPT_MS, MOST_BUCKET_KEYS } from '../keys/bucket-keys.ts'
import { type Load, LoggedCalls, type LogReport } from '../quota/logged-calls.ts'
import { callsWith, callsWithout, monthsUntil, throttledAt, times, type Workload } from '../quota/plan.ts'
import { defaultQuota, QUOTAS, REGION_GROUPS } from '../quota/quotas.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { callServiceQuotas } from './kms-client.ts'
import { loadTable, logTable, quotaTable } from './kms-plan-text.ts'

export interface PlanFlags extends ConnectionFlags {
  readonly puts?: string
  readonly gets?: string
  readonly buckets?: string
  readonly requesters?: string
  readonly workers?: string
  readonly readAge?: string
  readonly keysRead?: string
  readonly log?: readonly string[]
  readonly growthPerMonth?: string
  readonly applied?: boolean
  readonly json?: boolean
}

/** The symmetric quota somewhere, and what a load comes to there. */
export interface QuotaOutlook {
  readonly regions: readonly string[]
  readonly profile: 'current' | 'notes' | 'applied'
  readonly callsPerSecond: number
  readonly without: Outlook
  readonly with: Outlook
}

export interface Outlook {
  /** Part of the quota. */
  readonly used: number
  /** At how many times the load the first call is refused, and in how many months; null: never. */
  readonly throttledAtLoad: number | null
  readonly inMonths: number | null
  /** Whether calls are refused in the second after a start. */
  readonly atStart: boolean
}

interface Demand {
  /** Calls a second at so many times the load. */
  at(load: number): number
  readonly afterStart: number
}

const RULES = { keptMs: BUCKET_KEY_KEPT_MS, mostKept: MOST_BUCKET_KEYS }

export async function planCommand(flags: PlanFlags): Promise<number> {
  const growth = flags.growthPerMonth === undefined ? 0 : percent('--growth-per-month', flags.growthPerMonth)
  const outlook = async (without: Demand, withKeys: Demand) => {
    const quotas = [...defaults(), ...(flags.applied ? [await applied(flags)] : [])]
    return quotas.map((quota): QuotaOutlook => {
      const of = (demand: Demand) => outlookOf(demand, quota.callsPerSecond, growth)
      return { ...quota, without: of(without), with: of(withKeys) }
    })
  }
  if (flags.log) {
    refuseWorkload(flags)
    const report = await readLogs(flags.log)
    const { without, with: left } = report
    const linear = ({ busiestSecond }: Load): Demand => ({ at: (load) => busiestSecond * load, afterStart: 0 })
    const quotas = await outlook(linear(without), linear(left))
    print(flags, { ...report, quotas }, [...logTable(report), '', ...quotaTable(quotas, growth)])
    return EXIT.done
  }
  const workload = readWorkload(flags)
  const [without, withKeys] = [callsWithout(workload), callsWith(workload, RULES)]
  const quotas = await outlook(
    { at: (load) => callsWithout(times(workload, load)).all, afterStart: without.atStart },
    { at: (load) => callsWith(times(workload, load), RULES).all, afterStart: withKeys.atStart },
  )
  const lines = [...loadTable(workload, without, withKeys), '', ...quotaTable(quotas, growth)]
  print(flags, { workload, without, with: withKeys, quotas }, lines)
  return EXIT.done
}

function outlookOf({ at, afterStart }: Demand, quota: number, growth: number): Outlook {
  const load = throttledAt(at, quota)
  const finite = (value: number) => (Number.isFinite(value) ? value : null)
  return {
    used: at(1) / quota,
    throttledAtLoad: finite(load),
    inMonths: finite(monthsUntil(load, growth)),
    atStart: afterStart > quota,
  }
}

const defaults = () =>
  (['current', 'notes'] as const).flatMap((profile) =>
    REGION_GROUPS.map((regions) => ({
      ...{ regions, profile },
      callsPerSecond: defaultQuota('symmetric', profile, regions[0]!),
    })),
  )

/** What holds for the caller's account at a server. */
async function applied(flags: ConnectionFlags) {
  const connection = await resolveConnection(flags, process.env)
  const named = { ServiceCode: 'kms', QuotaCode: QUOTAS.symmetric.code }
  const { Quota } = await callServiceQuotas<{ Quota: { Value: number } }>(connection, 'GetServiceQuota', named)
  return { regions: [connection.region], profile: 'applied' as const, callsPerSecond: Quota.Value }
}

async function readLogs(paths: readonly string[]): Promise<LogReport> {
  const calls = new LoggedCalls()
  for (const path of paths) {
    const input = path === '-' ? process.stdin : createReadStream(path)
    try {
      for await (const line of createInterface({ input, crlfDelay: Infinity })) calls.add(line)
    } catch (error) {
      throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error })
    }
  }
  try {
    return calls.report(RULES)
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--log: ${error.message} in ${paths.join(' ')}`)
    throw error
  }
}

const WORKLOAD_FLAGS = ['puts', 'gets', 'buckets', 'requesters', 'workers', 'readAge', 'keysRead'] as const

function refuseWorkload(flags: PlanFlags): void {
  if (WORKLOAD_FLAGS.some((name) => flags[name] !== undefined)) {
    throw new UsageError('--log tells of a workload by itself: leave out what describes another')
  }
}

function readWorkload(flags: PlanFlags): Workload {
  if (flags.puts === undefined && flags.gets === undefined) throw new UsageError('give --puts and --gets, or --log')
  const count = (flag: string, text: string | undefined, most = 1e9) => number(flag, text ?? '1', 1, most)
  return {
    puts: number('--puts', flags.puts ?? '0', 0, 1e9),
    gets: number('--gets', flags.gets ?? '0', 0, 1e9),
    buckets: count('--buckets', flags.buckets),
    requesters: count('--requesters', flags.requesters),
    workers: count('--workers', flags.workers ?? String(availableParallelism())),
    readAgeMs: duration('--read-age', flags.readAge ?? '1h'),
    keysRead: flags.keysRead === undefined ? undefined : count('--keys-read', flags.keysRead),
  }
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= least && value <= most))
    throw new UsageError(`${flag} takes a number from ${least} on, not ${text}`)
  return value
}

function percent(flag: string, text: string): number {
  const value = /^(\d+(?:\.\d+)?)%?$/.exec(text)?.[1]
  if (value === undefined) throw new UsageError(`${flag} takes a percentage such as 10%, not ${text}`)
  return Number(value) / 100
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function duration(flag: string, text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  if (value === undefined) throw new UsageError(`${flag} takes a time such as 30m, 1h or 7d, not ${text}`)
  return Number(value) * UNITS_MS[unit!]!
}

function print({ json }: PlanFlags, facts: object, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(facts, undefined, 2)}\n` : `${lines.join('\n')}\n`)
}
