/**
 * The policy document of a form: until when it holds, and what the form's fields must be (AWS S3 API reference,
 * "Creating a POST policy"; codes and texts as S3 answers). Pure.
 */
import { parseJson } from '../core/json.ts'
import { S3Error } from './errors.ts'

export interface PostPolicy {
  readonly expiresAtMs: number
  readonly conditions: readonly FieldCondition[]
  /** Undefined: any. Both ends are allowed. */
  readonly contentLength: ByteRange | undefined
}

export interface ByteRange {
  readonly min: number
  readonly max: number
}

interface FieldCondition {
  /** In lower case; undefined where it was written without its `$`, so that nothing fits. */
  readonly field: string | undefined
  readonly operator: 'eq' | 'starts-with'
  readonly value: string
  /** As S3 shows it to whom it refuses. */
  readonly text: string
}

/** What is held against a policy. */
export interface SubmittedForm {
  /** By lower-case name. `key` with its file name put in, `bucket` as the request names it. */
  readonly fields: ReadonlyMap<string, string>
  /** The fields' names as they were sent. */
  readonly names: readonly string[]
  readonly nowMs: number
}

/** Fields that prove the policy, or that it cannot know. */
const UNCOVERED = new Set(['policy', 'x-amz-signature', 'signature', 'awsaccesskeyid', 'file'])
const IGNORED_PREFIX = 'x-ignore-'

/** `encoded`: base64 of UTF-8 JSON. Throws S3Error InvalidPolicyDocument, or AccessDenied for a range of no numbers. */
export function readPostPolicy(encoded: string): PostPolicy {
  const document = readJson(encoded)
  const unknown = Object.keys(document).find((name) => name !== 'expiration' && name !== 'conditions')
  if (unknown !== undefined) throw invalid(`Unexpected: '${unknown.toLowerCase()}'`)
  const { expiration, conditions } = document
  if (expiration === undefined) throw invalid('Policy missing expiration.')
  if (conditions === undefined) throw invalid('Policy missing conditions.')
  if (!Array.isArray(conditions)) throw invalid("Invalid 'conditions' value: must be a List.")
  const read = conditions.map(readCondition)
  const ranges = read.filter((one) => 'max' in one)
  return {
    expiresAtMs: readExpiration(expiration),
    conditions: read.filter((one) => 'operator' in one),
    contentLength:
      ranges.length === 0
        ? undefined
        : { min: Math.max(...ranges.map(({ min }) => min)), max: Math.min(...ranges.map(({ max }) => max)) },
  }
}

/** Throws S3Error AccessDenied where the policy does not allow the form. */
export function checkPostPolicy(policy: PostPolicy, { fields, names, nowMs }: SubmittedForm): void {
  if (nowMs > policy.expiresAtMs) throw violated('Policy expired.')
  for (const condition of policy.conditions) {
    const value = condition.field === undefined ? undefined : fields.get(condition.field)
    if (value === undefined || !fits(condition, value)) throw violated(`Policy Condition failed: ${condition.text}`)
  }
  const covered = new Set(policy.conditions.map(({ field }) => field))
  const extra = names.filter((name) => {
    const field = name.toLowerCase()
    return !covered.has(field) && !UNCOVERED.has(field) && !field.startsWith(IGNORED_PREFIX)
  })
  if (extra.length > 0) throw violated(`Extra input fields: ${extra.join(', ')}`)
}

function fits({ field, operator, value: wanted }: FieldCondition, value: string): boolean {
  if (operator === 'eq') return value === wanted
  // Of content types alone, a list is one of which each must begin so.
  const values = field === 'content-type' ? value.split(',').map((one) => one.trim()) : [value]
  return values.every((one) => one.startsWith(wanted))
}

function readJson(encoded: string): Readonly<Record<string, unknown>> {
  let document: unknown
  try {
    document = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64')))
  } catch {
    throw invalid('Invalid JSON.')
  }
  if (!isObject(document)) throw invalid('Invalid JSON.')
  return document
}

function readExpiration(expiration: unknown): number {
  const text = typeof expiration === 'string' ? expiration : JSON.stringify(expiration)
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw invalid(`Invalid 'expiration' value: '${text}'`)
  return atMs
}

function readCondition(condition: unknown): FieldCondition | ByteRange {
  if (Array.isArray(condition)) return readListed(condition)
  if (!isObject(condition)) throw invalid('Invalid condition: must be a List or Object.')
  const [entry, ...more] = Object.entries(condition)
  if (!entry || more.length > 0) {
    throw invalid('Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.')
  }
  const [name, value] = entry
  if (typeof value !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.')
  return fieldCondition('eq', `$${name}`, value)
}

function readListed(list: readonly unknown[]): FieldCondition | ByteRange {
  const [name, ...operands] = list
  if (typeof name !== 'string') throw invalid('Invalid Condition: missing operation identifier.')
  const operator = name.toLowerCase()
  if (!OPERATORS.has(operator)) throw invalid(`Invalid Condition: unknown operation '${name}'.`)
  if (operands.length !== 2) throw invalid(`Invalid ${operator}: wrong number of arguments.`)
  if (operator === 'content-length-range') return readRange(operands)
  const [field, value] = operands
  if (typeof field !== 'string' || typeof value !== 'string') throw invalid('Invalid JSON.')
  return fieldCondition(operator as FieldCondition['operator'], field, value)
}

const OPERATORS = new Set(['eq', 'starts-with', 'content-length-range'])

function fieldCondition(operator: FieldCondition['operator'], field: string, value: string): FieldCondition {
  const name = field.startsWith('$') ? field.slice(1).toLowerCase() : undefined
  return { field: name, operator, value, text: shown([operator, field, value]) }
}

/** Numbers, or texts of them. */
function readRange(operands: readonly unknown[]): ByteRange {
  const [min, max] = operands.map((bound) => {
    const number = typeof bound === 'string' && /^\d+$/.test(bound) ? Number(bound) : bound
    if (typeof number === 'string') {
      throw violated(`Policy Condition failed: ${shown(['content-length-range', ...operands])}`)
    }
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) throw invalid('Invalid JSON.')
    return number
  })
  return { min: min!, max: max! }
}

/** A list as S3 writes it, with a space after each comma. */
const shown = (list: readonly unknown[]) => `[${list.map((one) => JSON.stringify(one)).join(', ')}]`
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const invalid = (reason: string) => new S3Error('InvalidPolicyDocument', { message: `Invalid Policy: ${reason}` })
const violated = (reason: string) => new S3Error('AccessDenied', { message: `Invalid according to Policy: ${reason}` })
