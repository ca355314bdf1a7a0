/** The condition operators (IAM user guide, "IAM JSON policy elements: Condition operators"), one row each. */
import { BlockList, isIP } from 'node:net'
import { ArnPattern } from './arn-pattern.ts'
import { Pattern } from './pattern.ts'
import type { RequestContext } from './request.ts'

/** Whether one value of the request fits one value of the policy. */
export type ValueTest = (value: string, context: RequestContext) => boolean

export interface Operator {
  /** True for operators that hold where no value of the policy fits. */
  readonly negated: boolean
  /** Undefined where the operator cannot have this value. */
  readonly compile: (policyValue: string, options: { readonly variables: boolean }) => ValueTest | undefined
}

type Compile = Operator['compile']

const equals: Compile = (text, options) => {
  const pattern = new Pattern(text, { ...options, wildcards: false })
  return (value, context) => pattern.matches(value, context)
}

const equalsIgnoreCase: Compile = (text, options) => {
  const pattern = new Pattern(text, { ...options, wildcards: false })
  return (value, context) => pattern.resolve(context)?.toLowerCase() === value.toLowerCase()
}

const like: Compile = (text, options) => {
  const pattern = new Pattern(text, { ...options, wildcards: true })
  return (value, context) => pattern.matches(value, context)
}

const arnLike: Compile = (text, options) => {
  const pattern = new ArnPattern(text, options)
  return (value, context) => pattern.matches(value, context)
}

const ordered =
  (read: (text: string) => number, holds: (value: number, limit: number) => boolean): Compile =>
  (text) => {
    const limit = read(text)
    if (Number.isNaN(limit)) return undefined
    // A value that is no number is not in any relation to one.
    return (value) => {
      const number = read(value)
      return !Number.isNaN(number) && holds(number, limit)
    }
  }

const number = (text: string) => (/^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN)
/** ISO 8601, or seconds since 1970. */
const date = (text: string) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text))
const same = (a: number, b: number) => a === b
const less = (a: number, b: number) => a < b
const lessOrSame = (a: number, b: number) => a <= b
const more = (a: number, b: number) => a > b
const moreOrSame = (a: number, b: number) => a >= b

const bool: Compile = (text) => {
  const wanted = text.toLowerCase()
  if (wanted !== 'true' && wanted !== 'false') return undefined
  return (value) => value.toLowerCase() === wanted
}

const binary: Compile = (text) => (value) => value === text

const ipAddress: Compile = (text) => {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix)
  if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > (version === 6 ? 128 : 32)) return undefined
  const list = new BlockList()
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4')
  return (value) => {
    const family = isIP(value)
    return family === version && list.check(value, family === 6 ? 'ipv6' : 'ipv4')
  }
}

const row = (compile: Compile, negated = false): Operator => ({ compile, negated })

export const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: row(equals),
  StringNotEquals: row(equals, true),
  StringEqualsIgnoreCase: row(equalsIgnoreCase),
  StringNotEqualsIgnoreCase: row(equalsIgnoreCase, true),
  StringLike: row(like),
  StringNotLike: row(like, true),
  NumericEquals: row(ordered(number, same)),
  NumericNotEquals: row(ordered(number, same), true),
  NumericLessThan: row(ordered(number, less)),
  NumericLessThanEquals: row(ordered(number, lessOrSame)),
  NumericGreaterThan: row(ordered(number, more)),
  NumericGreaterThanEquals: row(ordered(number, moreOrSame)),
  DateEquals: row(ordered(date, same)),
  DateNotEquals: row(ordered(date, same), true),
  DateLessThan: row(ordered(date, less)),
  DateLessThanEquals: row(ordered(date, lessOrSame)),
  DateGreaterThan: row(ordered(date, more)),
  DateGreaterThanEquals: row(ordered(date, moreOrSame)),
  Bool: row(bool),
  BinaryEquals: row(binary),
  IpAddress: row(ipAddress),
  NotIpAddress: row(ipAddress, true),
  ArnEquals: row(arnLike),
  ArnLike: row(arnLike),
  ArnNotEquals: row(arnLike, true),
  ArnNotLike: row(arnLike, true),
}
