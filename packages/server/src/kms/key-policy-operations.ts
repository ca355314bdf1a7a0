/** The KMS operations on key policies, as rows. */
import { Fault } from '../core/fault.ts'
import { keyPolicyText, POLICY_NAME } from '../keys/key-policy.ts'
import type { Kms } from '../keys/kms.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'

/** The model's limit; that of the service is lower, and has an error of its own. */
const MAX_POLICY_LENGTH = 131_072

export const KEY_POLICY_OPERATIONS = {
  GetKeyPolicy: {
    readOnly: true,
    async run(kms, call, input) {
      const keyId = input.keyId()
      requirePolicyName(input)
      const key = await kms.keys.describeKey(call, keyId, 'kms:GetKeyPolicy')
      return { Policy: keyPolicyText(key), PolicyName: POLICY_NAME }
    },
  },
  ListKeyPolicies: {
    readOnly: true,
    async run(kms, call, input) {
      await kms.keys.describeKey(call, input.keyId(), 'kms:ListKeyPolicies')
      return { PolicyNames: [POLICY_NAME], Truncated: false }
    },
  },
  PutKeyPolicy: {
    readOnly: false,
    async run(kms, call, input) {
      const keyId = input.keyId()
      requirePolicyName(input)
      await kms.keys.putPolicy(
        call,
        keyId,
        input.text('Policy', MAX_POLICY_LENGTH),
        input.flag('BypassPolicyLockoutSafetyCheck'),
      )
      return {}
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

/** The policy of a new key. */
export const optionalPolicy = (input: Input) => input.optionalText('Policy', MAX_POLICY_LENGTH, 1)

function requirePolicyName(input: Input): void {
  const policyName = input.optionalText('PolicyName', 128, 1)
  if (policyName !== undefined && policyName !== POLICY_NAME) {
    throw new Fault('KmsKeyNotFound', { message: 'No such policy exists' })
  }
}
