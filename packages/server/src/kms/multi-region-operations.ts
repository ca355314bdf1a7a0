/** The KMS operations on multi-Region keys, as rows. */
import { keyPolicyText } from '../keys/key-policy.ts'
import type { Kms } from '../keys/kms.ts'
import type { Input } from '../protocols/input.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { metadata } from './key-operations.ts'
import { optionalPolicy } from './key-policy-operations.ts'

export const MULTI_REGION_OPERATIONS = {
  ReplicateKey: {
    readOnly: false,
    async run(kms, call, input) {
      const replicaRegion = region(input, 'ReplicaRegion')
      // There it counts as two CreateKey, of which AWS's first is a dry run (developer guide, "Request quotas").
      for (let i = 0; i < 2; i++) await kms.count({ ...call, region: replicaRegion }, 'CreateKey')
      const key = await kms.multiRegion.replicate(call, {
        keyId: input.keyId(),
        region: replicaRegion,
        description: input.optionalText('Description', 8192) ?? '',
        tags: input.tags(),
        policy: optionalPolicy(input),
        bypassesLockoutCheck: input.flag('BypassPolicyLockoutSafetyCheck'),
      })
      return { ReplicaKeyMetadata: metadata(key), ReplicaPolicy: keyPolicyText(key), ReplicaTags: key.tags }
    },
  },
  UpdatePrimaryRegion: {
    readOnly: false,
    async run(kms, call, input) {
      const primaryRegion = region(input, 'PrimaryRegion')
      // One request in each of the two regions.
      await kms.count({ ...call, region: primaryRegion }, 'UpdatePrimaryRegion')
      await kms.multiRegion.movePrimary(call, input.keyId(), primaryRegion)
      return {}
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

const region = (input: Input, name: string) => input.matching(name, '([a-z]+-){2,3}\\d+', 32)
