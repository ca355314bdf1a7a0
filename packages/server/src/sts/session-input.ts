/** The members that requests for sessions have in common, with their limits (STS API reference). */
import { Fault } from '../core/fault.ts'
import type { IdentityStore } from '../identity/identity-store.ts'
import type { Tags } from '../identity/records.ts'
import { packedPolicySize } from '../identity/session-token.ts'
import { readPolicy } from '../policy/document.ts'
import type { Input } from '../protocols/input.ts'
import { ServiceError } from '../protocols/service-error.ts'

const MAX_POLICY = 2048
const MAX_POLICY_ARNS = 10
const MAX_TAGS = 50

/** Of role sessions and of federated users. */
export const SESSION_NAME = '[\\w+=,.@-]*'

export interface SessionPolicies {
  readonly policy: string | undefined
  readonly policyArns: readonly string[]
}

/**
 * Session policy and managed policy ARNs, which must be those of `accountId` or AWS's.
 * Throws ServiceError ValidationError and Fault PolicyMalformed.
 */
export async function readSessionPolicies(
  input: Input,
  store: IdentityStore,
  accountId: string,
): Promise<SessionPolicies> {
  const policy = input.optionalText('Policy', MAX_POLICY, 1)
  if (policy !== undefined) readPolicy(policy, 'identity', 'session policy')
  const policyArns = input.structures('PolicyArns').map((one) => one.text('arn', 2048, 20))
  requireAtMost(input, 'PolicyArns', policyArns.length, MAX_POLICY_ARNS)
  for (const arn of policyArns) {
    const isTheirs = arn.startsWith(`arn:aws:iam::${accountId}:policy/`) || arn.startsWith('arn:aws:iam::aws:policy/')
    if (!isTheirs || !(await store.managedPolicy(arn))) {
      throw input.invalid(`Policy ${arn} does not exist or is not attachable.`)
    }
  }
  if ((policy ?? '').length + policyArns.join('').length > MAX_POLICY) {
    throw tooLarge(`Session policies may have ${MAX_POLICY} characters together.`)
  }
  return { policy, policyArns }
}

export function readSessionTags(input: Input): Record<string, string> {
  const given = input.structures('Tags')
  requireAtMost(input, 'Tags', given.length, MAX_TAGS)
  const tags: Record<string, string> = {}
  const seen = new Set<string>()
  for (const tag of given) {
    const key = tag.matching('Key', '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+', 128)
    if (seen.has(key.toLowerCase())) {
      throw conflict('Duplicate tag keys found. Please note that Tag keys are case insensitive.')
    }
    seen.add(key.toLowerCase())
    tags[key] = tag.text('Value', 256, 0)
  }
  return tags
}

/** Keys of tags that are in the request. */
export function readTransitiveTagKeys(input: Input, tags: Tags): readonly string[] {
  const keys = input.texts('TransitiveTagKeys')
  requireAtMost(input, 'TransitiveTagKeys', keys.length, MAX_TAGS)
  return keys.map((key) => {
    const found = Object.keys(tags).find((one) => one.toLowerCase() === key.toLowerCase())
    if (found === undefined) throw conflict('The specified transitive tag key must be included in the requested tags.')
    return found
  })
}

/** A text of one form, e.g. a session name, that has at least two characters. */
export function optionalName(input: Input, name: string, maxLength: number, form = SESSION_NAME): string | undefined {
  input.optionalText(name, maxLength, 2)
  return input.optionalMatching(name, form, maxLength)
}

export const requiredName = (input: Input, name: string, maxLength: number): string =>
  optionalName(input, name, maxLength) ?? input.text(name, maxLength)

/** In percent of what there is room for. Throws PackedPolicyTooLarge. */
export function requirePacked(session: Parameters<typeof packedPolicySize>[0]): number | undefined {
  const percent = packedPolicySize(session)
  if (percent === undefined || percent <= 100) return percent
  throw tooLarge(`Packed size of session tags and session policies consumes ${percent}% of allotted space.`)
}

export const conflict = (message: string) => new ServiceError('InvalidParameterValue', message)

const tooLarge = (message: string) => new Fault('IdentityRefused', { refusal: 'PackedPolicyTooLarge', message })

function requireAtMost(input: Input, name: string, count: number, most: number): void {
  if (count > most) {
    throw input.constraint(name, `[${count}]`, `Member must have length less than or equal to ${most}`)
  }
}
