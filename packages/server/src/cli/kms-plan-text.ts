/** `strongroom kms plan` for people. */
import type { LogReport } from '../quota/logged-calls.ts'
import type { CallRates, Workload } from '../quota/plan.ts'
import type { Outlook, QuotaOutlook } from './kms-plan.ts'

export function loadTable(workload: Workload, without: CallRates, withKeys: CallRates): string[] {
  const row = (name: string, { generateDataKey, decrypt, all, atStart }: CallRates) => [
    name,
    ...[generateDataKey, decrypt, all, atStart].map(amount),
  ]
  return [
    ...table([
      ['KMS calls a second', 'GenerateDataKey', 'Decrypt', 'all', 'after a start'],
      row('  without Bucket Keys', without),
      row('  with Bucket Keys', withKeys),
    ]),
    `Bucket Keys leave ${part(withKeys.all, without.all)} of the calls, with ${workload.workers} worker processes${reads(workload)}.`,
  ]
}

/** What the number of Decrypts hangs on. */
function reads({ puts, gets, readAgeMs, keysRead }: Workload): string {
  if (gets === 0) return ''
  if (keysRead !== undefined) return ` and reads of ${amount(keysRead)} bucket keys (--keys-read)`
  if (puts > 0) return ` and reads of what was written in the last ${duration(readAgeMs)} (--read-age)`
  return '; none of the reads, since nothing is known of the bucket keys that they meet (--keys-read)'
}

export function logTable({ fromMs, toMs, operations, without, with: left }: LogReport): string[] {
  const at = (ms: number | undefined) => (ms === undefined ? '' : new Date(ms).toISOString())
  return [
    `Requests from ${at(fromMs)} to ${at(toMs)}`,
    ...table([
      ['Operation', 'made by', 'calls', 'throttled', 'left by Bucket Keys'],
      ...operations.map(({ operation, viaS3, calls, throttled, left: remaining }) => [
        `  ${operation}`,
        viaS3 ? 'S3' : 'callers',
        ...[calls, throttled, remaining].map(amount),
      ]),
    ]),
    '',
    ...table([
      ['Symmetric quota', 'calls', 'a second', 'busiest second', ''],
      ...(
        [
          ['  as made', without],
          ['  with Bucket Keys', left],
        ] as const
      ).map(([name, load]) => [
        name,
        ...[load.calls, load.average, load.busiestSecond].map(amount),
        at(load.busiestAtMs),
      ]),
    ]),
  ]
}

export function quotaTable(quotas: readonly QuotaOutlook[], growth: number): string[] {
  const throttled = ({ throttledAtLoad, inMonths, atStart }: Outlook) => {
    if (throttledAtLoad !== null && throttledAtLoad <= 1) return 'now'
    const when =
      throttledAtLoad === null
        ? 'never'
        : `at ${amount(throttledAtLoad)}×${growth > 0 ? `, in ${months(inMonths!)}` : ''}`
    return atStart ? `after a start, else ${when}` : when
  }
  return table([
    ['Quota', '', 'a second', 'without: used', 'throttled', 'with: used', 'throttled'],
    ...quotas.map(({ regions, profile, callsPerSecond, without, with: withKeys }) => [
      `  ${profile}`,
      regions.length > 3 ? `${regions.slice(0, 2).join(', ')} and ${regions.length - 2} more` : regions.join(', '),
      amount(callsPerSecond),
      percentage(without.used),
      throttled(without),
      percentage(withKeys.used),
      throttled(withKeys),
    ]),
  ])
}

/** Columns side by side; those with numbers in their last row stand to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const isNumber = rows[0]!.map(
    (_, column) => /^[\d<]/.test(rows.at(-1)![column]!) && !/T.*Z$/.test(rows.at(-1)![column]!),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('   ')
      .trimEnd(),
  )
}

/** Whole from a hundred on, else three digits. */
const amount = (value: number) =>
  value >= 100
    ? Math.round(value).toLocaleString('en-US')
    : value.toLocaleString('en-US', { maximumSignificantDigits: value >= 1 ? 3 : 2 })

const percentage = (of: number) => (of > 0 && of < 0.001 ? '<0.1%' : `${amount(100 * of)}%`)

const part = (some: number, all: number) => (all === 0 ? 'none' : percentage(some / all))

const months = (count: number) =>
  count < 1 ? 'under a month' : count < 24 ? `${Math.round(count)} months` : `${amount(count / 12)} years`

function duration(ms: number): string {
  const [unitMs, unit] = UNITS.find(([least]) => ms >= least) ?? [1000, 'second']
  return `${amount(ms / unitMs)} ${unit}${ms === unitMs ? '' : 's'}`
}

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
] as const
