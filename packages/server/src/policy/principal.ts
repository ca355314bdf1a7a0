/** Principals of resource policies (IAM user guide, "AWS JSON policy elements: Principal"). */
import { PolicyError } from './policy-error.ts'
import type { PolicyPrincipal } from './request.ts'

/**
 * How a statement names a principal; the nearer first. What a resource policy gives to a user or a session by name
 * stands on its own; what it gives to a role or to everybody is still held by boundary and session policy; what it gives
 * to an account that account must pass on by an identity policy.
 */
export type Naming = 'self' | 'role' | 'everybody' | 'account'

/** How it names this principal; undefined where it does not. */
export type PrincipalTest = (principal: PolicyPrincipal) => Naming | undefined

const NEAREST: readonly Naming[] = ['self', 'role', 'everybody', 'account']
const ACCOUNT_ROOT = /^arn:aws:iam::(\d{12}):root$/
const ARN = /^arn:aws:(iam|sts)::\d{12}:(user|role|assumed-role|federated-user)\/.+$/

/** `positive`: false for NotPrincipal. Throws PolicyError. */
export function compilePrincipals(given: unknown, positive: boolean): PrincipalTest {
  const tests = testsOf(given)
  const nearest: PrincipalTest = (principal) => {
    const namings = tests.map((test) => test(principal))
    return NEAREST.find((naming) => namings.includes(naming))
  }
  if (positive) return nearest
  return (principal) => (nearest(principal) === undefined ? 'everybody' : undefined)
}

function testsOf(given: unknown): PrincipalTest[] {
  if (given === '*') return [() => 'everybody']
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid()
  const entries = Object.entries(given)
  if (entries.length === 0) throw invalid()
  return entries.flatMap(([type, values]) =>
    (Array.isArray(values) ? values : [values]).map((value: unknown) => {
      const make = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
      const test = typeof value === 'string' ? make?.(value) : undefined
      if (!test) throw invalid()
      return test
    }),
  )
}

const TYPES: Readonly<Record<string, (value: string) => PrincipalTest | undefined>> = {
  AWS: awsPrincipal,
  CanonicalUser: (id) => (principal) =>
    'canonicalId' in principal && principal.canonicalId === id ? namingOfOwner(principal) : undefined,
  Service: (service) => (principal) =>
    principal.kind === 'Service' && principal.service === service ? 'self' : undefined,
  Federated: (provider) => (principal) =>
    principal.kind === 'WebIdentity' && principal.provider === provider ? 'self' : undefined,
}

function awsPrincipal(value: string): PrincipalTest | undefined {
  if (value === '*') return () => 'everybody'
  const accountId = /^\d{12}$/.test(value) ? value : ACCOUNT_ROOT.exec(value)?.[1]
  if (accountId !== undefined) {
    return (principal) =>
      'accountId' in principal && principal.accountId === accountId ? namingOfOwner(principal) : undefined
  }
  if (!ARN.test(value)) return undefined
  return (principal) => {
    if ('arn' in principal && principal.arn === value) return 'self'
    return principal.kind === 'AssumedRole' && principal.roleArn === value ? 'role' : undefined
  }
}

/** The root user is its account. */
const namingOfOwner = (principal: PolicyPrincipal): Naming => (principal.kind === 'Account' ? 'self' : 'account')
const invalid = () => new PolicyError('Invalid principal in policy')
