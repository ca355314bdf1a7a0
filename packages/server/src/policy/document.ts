/**
 * Policy documents: read from JSON, checked and compiled once (IAM user guide, "IAM JSON policy reference").
 * What is compiled holds no request; it may serve any number of them.
 */
import { parseJson } from '../core/json.ts'
import { ArnPattern } from './arn-pattern.ts'
import { type ConditionTest, compileCondition } from './condition.ts'
import { Pattern } from './pattern.ts'
import { PolicyError } from './policy-error.ts'
import { compilePrincipals, type PrincipalTest } from './principal.ts'
import type { PreparedRequest } from './request.ts'

/**
 * `resource` policies name principals, `identity` policies (also boundaries and session policies) do not; `trust`
 * policies name principals and no resource, since they are about the one role that they stand at.
 */
export type PolicyKind = 'resource' | 'identity' | 'trust'

export interface Statement {
  readonly sid: string | undefined
  /** Where it stands in its document, from 0. */
  readonly index: number
  readonly effect: 'Allow' | 'Deny'
  /** Undefined in identity policies: there it is whoever has the policy. */
  readonly principals: PrincipalTest | undefined
  /** Whom it names: `anybody` with a star or by exception, `somebody` by name; undefined in identity policies. */
  readonly names: 'anybody' | 'somebody' | undefined
  /** Which of NotPrincipal, NotAction and NotResource it has. */
  readonly exceptions: readonly string[]
  matchesAction(request: PreparedRequest): boolean
  matchesResource(request: PreparedRequest): boolean
  readonly conditions: readonly Condition[]
}

export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
  readonly holds: ConditionTest
}

export interface Policy {
  /** What explanations call it, e.g. its ARN or `bucket policy of NAME`. */
  readonly name: string
  readonly id: string | undefined
  readonly version: '2008-10-17' | '2012-10-17'
  readonly statements: readonly Statement[]
  /** Users, roles and sessions that it names, wherever. */
  readonly principalArns: readonly string[]
  /** Whether its text has this, in lower case: a condition key or variable, or the beginning of a family of them. */
  mentions(key: string): boolean
}

type Json = Readonly<Record<string, unknown>>

const ELEMENTS = new Set([
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'],
])

/** Throws PolicyError. `name` is what explanations will call it. */
export function readPolicy(text: string, kind: PolicyKind, name: string): Policy {
  if (!text.startsWith('{')) throw new PolicyError("Policies must be valid JSON and the first byte must be '{'")
  let document: unknown
  try {
    document = parseJson(text)
  } catch {
    throw new PolicyError("Policies must be valid JSON and the first byte must be '{'")
  }
  return compilePolicy(document as Json, kind, name)
}

/** Throws PolicyError. */
export function compilePolicy(document: Json, kind: PolicyKind, name: string): Policy {
  const { Version: version = '2008-10-17', Id: id, Statement: given, ...rest } = document
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) throw new PolicyError(`Unknown field ${unknown}`)
  if (version !== '2008-10-17' && version !== '2012-10-17') {
    throw new PolicyError('The policy must contain a valid version string')
  }
  if (id !== undefined && typeof id !== 'string') throw new PolicyError('Policy Id must be a string')
  const statements = given === undefined ? [] : Array.isArray(given) ? given : [given]
  if (statements.length === 0) throw new PolicyError('Missing required field Statement')
  const sids = statements.map((statement) => (statement as Json | null)?.Sid).filter((sid) => sid !== undefined)
  if (new Set(sids).size < sids.length) throw new PolicyError('Statement IDs (SID) in a single policy must be unique.')
  const text = JSON.stringify(document).toLowerCase()
  const options = { variables: version === '2012-10-17' }
  return {
    name,
    id,
    version,
    statements: statements.map((statement: unknown, index) => compileStatement(statement, index, kind, options)),
    principalArns: statements.flatMap((statement) => arnsOf(statement as Json)),
    mentions: (key) => text.includes(key),
  }
}

function compileStatement(
  given: unknown,
  index: number,
  kind: PolicyKind,
  options: { readonly variables: boolean },
): Statement {
  if (!isObject(given)) throw new PolicyError('Statement is not valid')
  const unknown = Object.keys(given).find((name) => !ELEMENTS.has(name))
  if (unknown !== undefined) throw new PolicyError(`Unknown field ${unknown}`)
  const { Sid: sid, Effect: effect } = given
  if (sid !== undefined && typeof sid !== 'string') throw new PolicyError('Sid must be a string')
  if (effect === undefined) throw new PolicyError('Missing required field Effect')
  if (effect !== 'Allow' && effect !== 'Deny')
    throw new PolicyError(`Invalid effect: ${typeof effect === 'string' ? effect : JSON.stringify(effect)}`)
  return {
    sid,
    index,
    effect,
    principals: principalsOf(given, kind),
    names: kind === 'identity' ? undefined : namesAnybody(given) ? 'anybody' : 'somebody',
    exceptions: ['NotPrincipal', 'NotAction', 'NotResource'].filter((name) => given[name] !== undefined),
    matchesAction: actionsOf(given),
    matchesResource: kind === 'trust' ? noResourceOf(given) : resourcesOf(given, options),
    conditions: conditionsOf(given.Condition, options),
  }
}

function principalsOf(given: Json, kind: PolicyKind): PrincipalTest | undefined {
  const { positive, value } = eitherOf(given, 'Principal', kind !== 'identity')
  if (kind === 'identity') {
    if (value !== undefined) throw new PolicyError('Policy document should not specify a principal.')
    return undefined
  }
  return compilePrincipals(value, positive)
}

function arnsOf({ Principal, NotPrincipal }: Json): string[] {
  const named = [Principal, NotPrincipal].flatMap((one) => (isObject(one) ? [one.AWS].flat() : []))
  return named.filter((one): one is string => typeof one === 'string' && one.startsWith('arn:'))
}

function namesAnybody({ Principal: principal }: Json): boolean {
  if (!isObject(principal)) return true
  return [principal.AWS].flat().includes('*')
}

function actionsOf(given: Json): Statement['matchesAction'] {
  const { positive, value } = eitherOf(given, 'Action', true)
  // Actions are told apart without regard to case, and know no variables.
  const patterns = texts(value, 'Action').map((text) => {
    if (text !== '*' && !/^[a-z0-9-]+:[a-z0-9*?]+$/i.test(text)) throw new PolicyError('Policy has invalid action')
    return new Pattern(text.toLowerCase(), { variables: false, wildcards: true })
  })
  return ({ lowerCaseAction, context }) => patterns.some((one) => one.matches(lowerCaseAction, context)) === positive
}

function resourcesOf(given: Json, options: { readonly variables: boolean }): Statement['matchesResource'] {
  const { positive, value } = eitherOf(given, 'Resource', true)
  const patterns = texts(value, 'Resource').map((text) => {
    if (text !== '*' && !text.startsWith('arn:')) throw new PolicyError('Policy has invalid resource')
    return new ArnPattern(text, options)
  })
  return ({ resourceParts, context }) => patterns.some((one) => one.matchesParts(resourceParts, context)) === positive
}

function noResourceOf(given: Json): Statement['matchesResource'] {
  if (given.Resource !== undefined || given.NotResource !== undefined) {
    throw new PolicyError('Has prohibited field Resource')
  }
  return () => true
}

function conditionsOf(given: unknown, options: { readonly variables: boolean }): Condition[] {
  if (given === undefined) return []
  if (!isObject(given)) throw new PolicyError('Condition is not valid')
  return Object.entries(given).flatMap(([operator, keys]) => {
    if (!isObject(keys)) throw new PolicyError('Condition is not valid')
    return Object.entries(keys).map(([key, value]) => {
      const values = (Array.isArray(value) ? value : [value]).map((one: unknown) => {
        if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') return String(one)
        throw new PolicyError('Condition is not valid')
      })
      return { operator, key, values, holds: compileCondition(operator, key, values, options) }
    })
  })
}

/** `X` or `NotX`, exactly one of which stands there. */
function eitherOf(given: Json, name: string, required: boolean): { positive: boolean; value: unknown } {
  const [value, negative] = [given[name], given[`Not${name}`]]
  if (value !== undefined && negative !== undefined) {
    throw new PolicyError(`Statement must not contain both ${name} and Not${name}`)
  }
  if (required && value === undefined && negative === undefined) throw new PolicyError(`Missing required field ${name}`)
  return value === undefined ? { positive: false, value: negative } : { positive: true, value }
}

function texts(value: unknown, name: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.some((one) => typeof one !== 'string' || one === '')) {
    throw new PolicyError(`Policy has invalid ${name.toLowerCase()}`)
  }
  return list as string[]
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
