/** Policy documents that are put: read for what they are, within IAM's limits of size. */
import { type Policy, readPolicy } from '../policy/document.ts'
import { PolicyError } from '../policy/policy-error.ts'
import { quotaExceeded } from './refusals.ts'

const MOST_TRUST_CHARS = 2048

/** Throws PolicyMalformed. */
export function readIdentityPolicy(document: string, name: string): Policy {
  requireJson(document, 'Syntax errors in policy.')
  return readPolicy(document, 'identity', name)
}

/** The trust policy of a role. Throws PolicyMalformed and LimitExceeded. */
export function readTrustPolicy(document: string, name: string): Policy {
  requireJson(document, 'This policy contains invalid Json')
  const policy = readPolicy(document, 'trust', name)
  if (charsOf(document) > MOST_TRUST_CHARS) throw quotaExceeded('ACLSizePerRole', MOST_TRUST_CHARS)
  const { Statement: given } = JSON.parse(document) as { Statement: TrustStatement | TrustStatement[] }
  const actions = [given].flat().flatMap(({ Action, NotAction }) => [Action ?? NotAction].flat())
  if (!actions.every((action) => action !== undefined && /^sts:/i.test(action))) {
    throw new PolicyError('AssumeRole policy may only specify STS AssumeRole actions.')
  }
  return policy
}

interface TrustStatement {
  readonly Action?: string | string[]
  readonly NotAction?: string | string[]
}

/** Size as IAM counts it: whitespace is free (IAM user guide, "IAM and STS character limits"). */
export const charsOf = (document: string) => document.replaceAll(/\s/g, '').length

function requireJson(document: string, refusal: string): void {
  try {
    JSON.parse(document)
  } catch {
    throw new PolicyError(refusal)
  }
}
