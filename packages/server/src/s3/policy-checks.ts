/** What a bucket policy must be, beyond being a policy: about its bucket, and naming principals that there are. */
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
  for (const arn of policy.principalArns) {
    const [, accountId = '', kind, name = ''] = /^arn:aws:iam::(\d{12}):(user|role)\/(?:.*\/)?([^/]+)$/.exec(arn) ?? []
    // Of accounts that are kept elsewhere nobody here can know who is in them.
    if (kind === undefined || !accounts.isKnown(accountId)) continue
    const found = kind === 'user' ? await identity.user(accountId, name) : await identity.role(accountId, name)
    if (!found) throw new PolicyError('Invalid principal in policy')
  }
  return policy
}
