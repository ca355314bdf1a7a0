/** Why an alarm has its state, in CloudWatch's words (`StateReason`) and as its data (`StateReasonData`). */
import { type AlarmDatapoint, type AlarmRule, type AlarmState, COMPARISONS, type MissingData } from './metric-alarm.ts'

/** What an evaluation found. */
export interface AlarmFinding {
  readonly rule: AlarmRule
  readonly state: AlarmState
  readonly nowMs: number
  /** The datapoints that counted, newest first. */
  readonly evaluated: readonly AlarmDatapoint[]
  readonly breaching: (point: AlarmDatapoint) => boolean
  /** The periods that counted and have no data, newest first. */
  readonly missingMs: readonly number[]
  /** As what these were taken, where they were. */
  readonly filledAs: MissingData | undefined
}

export function alarmReason(finding: AlarmFinding): string {
  if (finding.state === 'INSUFFICIENT_DATA')
    return `Insufficient Data: ${datapoints(finding.missingMs.length)} unknown.`
  return `Threshold Crossed: ${finding.filledAs === undefined ? crossed(finding) : filled(finding)}`
}

/** JSON, with the members in CloudWatch's order and its numbers as Java writes them. */
export function alarmReasonData({ rule, nowMs, evaluated, missingMs }: AlarmFinding): string {
  const oldest = evaluated.at(-1)
  const known = evaluated.map(({ fromMs, value, sampleCount }) => ({
    fromMs,
    json: object({
      timestamp: text(dateOf(fromMs)),
      sampleCount: sampleCount === undefined ? undefined : decimal(sampleCount),
      value: decimal(value),
    }),
  }))
  const unknown = missingMs.map((fromMs) => ({ fromMs, json: object({ timestamp: text(dateOf(fromMs)) }) }))
  return object({
    version: text('1.0'),
    queryDate: text(dateOf(nowMs)),
    startDate: oldest && text(dateOf(oldest.fromMs)),
    unit: rule.unit === undefined ? undefined : text(rule.unit),
    statistic: rule.statistic === undefined ? undefined : text(rule.statistic),
    period: String(rule.periodSeconds),
    recentDatapoints: list([...evaluated].reverse().map(({ value }) => decimal(value))),
    threshold: decimal(rule.threshold),
    evaluatedDatapoints: list([...known, ...unknown].sort((a, b) => b.fromMs - a.fromMs).map(({ json }) => json)),
  })
}

function crossed({ rule, state, evaluated, breaching }: AlarmFinding): string {
  const decisive = evaluated.filter((point) => breaching(point) === (state === 'ALARM'))
  const count = decisive.length
  const { evaluationPeriods, datapointsToAlarm } = rule
  // Without DatapointsToAlarm the older form of the sentence.
  const of =
    datapointsToAlarm === undefined
      ? `${count} datapoint${plural(count)}`
      : `${count} out of the last ${evaluationPeriods} datapoints`
  const points = `[${decisive.slice(0, MOST_LISTED).map(shown).join(', ')}]`
  const isLong = count >= MOST_LISTED
  const verb = `${count === 1 ? 'was' : 'were'}${state === 'ALARM' ? '' : ' not'}`
  const comparison = `${COMPARISONS[rule.comparisonOperator].words} the threshold (${decimal(rule.threshold)})`
  const crossing = state === 'ALARM' ? 'crossed' : 'did not cross'
  const tail = isLong ? `. The most recent datapoints which ${crossing} the threshold: ${points}` : ''
  return `${of}${isLong ? '' : ` ${points}`} ${verb} ${comparison}${tail}${transition(rule, state)}.`
}

function filled({ rule, evaluated, missingMs, filledAs }: AlarmFinding): string {
  const received = evaluated.length === 0 ? 'no datapoints were' : datapoints(evaluated.length)
  const periods = `${rule.evaluationPeriods} period${plural(rule.evaluationPeriods)}`
  const missing = `${missingMs.length} missing datapoint${plural(missingMs.length)} ${missingMs.length === 1 ? 'was' : 'were'}`
  return `${received} received for ${periods} and ${missing} treated as [${filledAs === 'breaching' ? 'Breaching' : 'NonBreaching'}].`
}

function transition({ evaluationPeriods, datapointsToAlarm }: AlarmRule, state: AlarmState): string {
  if (datapointsToAlarm === undefined) return ''
  const least = state === 'ALARM' ? datapointsToAlarm : evaluationPeriods - datapointsToAlarm + 1
  return ` (minimum ${least} datapoint${plural(least)} for ${state === 'ALARM' ? 'OK -> ALARM' : 'ALARM -> OK'} transition)`
}

const plural = (count: number) => (count === 1 ? '' : 's')
const datapoints = (count: number) => `${count} datapoint${plural(count)} ${count === 1 ? 'was' : 'were'}`

/** E.g. `1.0 (15/05/25 15:29:00)`. */
function shown({ value, fromMs }: AlarmDatapoint): string {
  const [year, month, day, time] = new Date(fromMs).toISOString().split(/[-T.]/)
  return `${decimal(value)} (${day}/${month}/${year!.slice(2)} ${time})`
}

/** E.g. `2025-05-15T15:29:00.000+0000`. */
export const dateOf = (atMs: number): string => new Date(atMs).toISOString().replace('Z', '+0000')

/** As Java's `Double.toString` writes it, e.g. `1.0`, `0.05`, `1.0E7`. */
export function decimal(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  const isPlain = value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e7)
  const digits = isPlain ? String(value) : mantissa
  return `${digits}${digits.includes('.') ? '' : '.0'}${isPlain ? '' : `E${Number(exponent)}`}`
}

const text = (value: string) => JSON.stringify(value)
const list = (items: readonly string[]) => `[${items.join(',')}]`
const object = (members: Readonly<Record<string, string | undefined>>) =>
  `{${Object.entries(members)
    .flatMap(([name, json]) => (json === undefined ? [] : `"${name}":${json}`))
    .join(',')}}`

const MOST_LISTED = 5
