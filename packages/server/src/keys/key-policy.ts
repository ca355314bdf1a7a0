/** Key policies: the default ones, those that were put, and what a new one must be. */
import { Fault } from '../core/fault.ts'
import { type Policy, readPolicy } from '../policy/document.ts'
import { validateResourcePolicy } from '../policy/validate.ts'
import type { KmsKey } from './kms-records.ts'

/** The only name that a key policy can have. */
export const POLICY_NAME = 'default'
/** Not adjustable (developer guide, "Resource quotas"). */
const MAX_POLICY_BYTES = 32_768

/** The policy of a key as text: as it was put, else the default one. */
export function keyPolicyText(key: KmsKey): string {
  return key.policy ?? JSON.stringify(key.manager === 'AWS' ? managedPolicy(key) : defaultPolicy(key), undefined, 2)
}

/** Compiled once for each time that the key's record changes. */
export function keyPolicy(key: KmsKey): Policy {
  let policy = compiled.get(key)
  if (!policy) {
    policy = readPolicy(keyPolicyText(key), 'resource', `key policy of ${key.arn}`)
    compiled.set(key, policy)
  }
  return policy
}

/** Throws PolicyMalformed, and KmsLimitExceeded where it is too large. */
export function checkKeyPolicy(text: string): void {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    throw new Fault('KmsLimitExceeded', { message: `The key policy is larger than ${MAX_POLICY_BYTES} bytes.` })
  }
  readPolicy(text, 'resource', 'new key policy')
  validateResourcePolicy(JSON.parse(text), { service: 'kms' })
}

/** What a key made without a policy has (developer guide, "Default key policy"). */
const defaultPolicy = ({ accountId }: KmsKey) => ({
  Version: '2012-10-17',
  Id: 'key-default-1',
  Statement: [
    {
      Sid: 'Enable IAM User Permissions',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      Action: 'kms:*',
      Resource: '*',
    },
  ],
})

/** What AWS gives `alias/aws/s3`: nobody but the service can change it or end it. */
const managedPolicy = ({ accountId, arn }: KmsKey) => ({
  Version: '2012-10-17',
  Id: 'auto-s3-2',
  Statement: [
    {
      Sid: 'Allow access through S3 for all principals in the account that are authorized to use S3',
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      Resource: '*',
      Condition: {
        StringEquals: { 'kms:ViaService': `s3.${arn.split(':')[3]}.amazonaws.com`, 'kms:CallerAccount': accountId },
      },
    },
    {
      Sid: 'Allow direct access to key metadata to the account',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      Action: ['kms:Describe*', 'kms:Get*', 'kms:List*'],
      Resource: '*',
    },
  ],
})

const compiled = new WeakMap<KmsKey, Policy>()
