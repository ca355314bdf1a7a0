/** The members that requests for sessions have in common, with their limits (STS API reference). */
import { readPolicy } from '../policy/document.ts'
import type { Input } from '../protocols/input.ts'

const MAX_POLICY = 2048
const MAX_POLICY_ARNS = 10
const MAX_TAGS = 50

/** Session policy and managed policy ARNs. Throws ServiceError ValidationError and Fault PolicyMalformed. */
export function readSessionPolicies(input: Input): { policy: string | undefined; policyArns: readonly string[] } {
  const policy = input.optionalText('Policy', MAX_POLICY, 1)
  if (policy !== undefined) readPolicy(policy, 'identity', 'session policy')
  const policyArns = input
    .structures('PolicyArns')
    .map((one) => one.matching('arn', 'arn:aws:iam::(\\d{12}|aws):policy/.+', 2048))
  if (policyArns.length > MAX_POLICY_ARNS) {
    throw input.constraint('PolicyArns', '[...]', `Member must have length less than or equal to ${MAX_POLICY_ARNS}`)
  }
  return { policy, policyArns }
}

export function readSessionTags(input: Input): Record<string, string> {
  const given = input.structures('Tags')
  if (given.length > MAX_TAGS) {
    throw input.constraint('Tags', '[...]', `Member must have length less than or equal to ${MAX_TAGS}`)
  }
  const tags: Record<string, string> = {}
  const seen = new Set<string>()
  for (const tag of given) {
    const key = tag.matching('Key', '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+', 128)
    if (seen.has(key.toLowerCase())) {
      throw input.invalid('Duplicate tag keys found. Please note that Tag keys are case insensitive.')
    }
    seen.add(key.toLowerCase())
    tags[key] = tag.text('Value', 256, 0)
  }
  return tags
}
