/** The public keys that verify digests. */
import { trailError } from './errors.ts'
import { requireMay, type TrailOperations } from './services.ts'

export const KEY_OPERATIONS = {
  /** Without times, the keys of the last day. */
  ListPublicKeys: {
    readOnly: true,
    async run({ digestKeys, clock }, call, input) {
      requireMay(call, 'ListPublicKeys')
      const untilMs = input.optionalTimestamp('EndTime') ?? clock.nowMs()
      const fromMs = input.optionalTimestamp('StartTime') ?? untilMs - DAY_MS
      if (fromMs > untilMs) {
        throw trailError('InvalidTimeRange', 'The start time must not be later than the end time.')
      }
      // All of them are one page.
      if (input.has('NextToken')) throw trailError('InvalidToken', 'The token is not valid.')
      const keys = await digestKeys.validBetween(call.region, fromMs, untilMs)
      return {
        PublicKeyList: keys.map(({ publicKey, validFromMs, validUntilMs, fingerprint }) => ({
          Value: publicKey,
          ValidityStartTime: validFromMs / 1000,
          ValidityEndTime: validUntilMs / 1000,
          Fingerprint: fingerprint,
        })),
      }
    },
  },
} satisfies TrailOperations

const DAY_MS = 86_400_000
