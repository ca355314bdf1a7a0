/** What a bucket policy must be, beyond being a policy: about its bucket, and naming principals that there are. */
import { missingPrincipal } from '../identity/known-principals.ts'
import { type Policy, readPolicy } from '../policy/document.ts'
import { PolicyError } from '../policy/policy-error.ts'
import { validateResourcePolicy } from '../policy/validate.ts'
import type { S3Services } from './services.ts'

/** The compiled policy. Throws PolicyError. */
export async function checkBucketPolicy(
  { accounts, identity }: S3Services,
  text: string,
  bucket: string,
): Promise<Policy> {
  const policy = readPolicy(text, 'resource', `bucket policy of ${bucket}`)
  validateResourcePolicy(JSON.parse(text), { service: 's3', bucket })
  if (await missingPrincipal(policy, accounts, identity)) throw new PolicyError('Invalid principal in policy')
  return policy
}
