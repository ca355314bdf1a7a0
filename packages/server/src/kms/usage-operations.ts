/** The KMS operation that tells when a key was last used, as a row. */
import type { Kms } from '../keys/kms.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'

export const USAGE_OPERATIONS = {
  GetKeyLastUsage: {
    readOnly: true,
    async run(kms, call, input) {
      const key = await kms.keys.describeKey(call, input.keyId(), 'kms:GetKeyLastUsage')
      const { usage, sinceMs } = await kms.lastUsage.of(key)
      return {
        KeyId: key.arn,
        KeyLastUsage: usage
          ? { Operation: usage.operation, Timestamp: usage.atMs / 1000, KmsRequestId: usage.requestId }
          : {},
        TrackingStartDate: sinceMs / 1000,
        KeyCreationDate: key.createdAtMs / 1000,
      }
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>
