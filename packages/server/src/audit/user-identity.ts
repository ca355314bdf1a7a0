/** Who called, in CloudTrail's form (CloudTrail user guide, "CloudTrail userIdentity element"), as JSON text. */
import type { CallerFacts } from '../core/outcome.ts'
import { Recent } from '../core/recent.ts'

/** `invokedBy`: the service that calls for the caller. */
export function userIdentity(caller: CallerFacts | undefined, invokedBy?: string): string {
  if (caller?.principalType === 'AWSService') return JSON.stringify({ type: 'AWSService', invokedBy: caller.arn })
  if (!caller || caller.accessKeyId === undefined) return anonymous(caller, invokedBy)
  const name = `${callerName(caller)}\n${invokedBy}`
  let text = KNOWN.get(name)
  if (text === undefined) {
    text = JSON.stringify(identityOf(caller, invokedBy))
    KNOWN.set(name, text)
  }
  return text
}

/** Tells callers apart. Temporary credentials have an access key of their own, which stands for all of their session. */
export const callerName = ({ accessKeyId, arn, principalId }: CallerFacts): string =>
  `${accessKeyId}\n${arn}\n${principalId}`

/** Callers come again. */
const KNOWN = new Recent<string>(1_000)

function anonymous(caller: CallerFacts | undefined, invokedBy: string | undefined): string {
  // A web identity has an account but no credentials yet.
  if (caller?.principalType === 'WebIdentityUser') return JSON.stringify(identityOf(caller, invokedBy))
  return invokedBy === undefined ? ANONYMOUS : JSON.stringify({ ...JSON.parse(ANONYMOUS), invokedBy })
}

const ANONYMOUS = '{"type":"AWSAccount","principalId":"","accountId":"anonymous"}'

function identityOf(caller: CallerFacts, invokedBy: string | undefined) {
  const { principalType: type, session } = caller
  return {
    type,
    principalId: caller.principalId,
    arn: caller.arn,
    accountId: caller.accountId,
    accessKeyId: caller.accessKeyId,
    ...(type === 'IAMUser' || type === 'WebIdentityUser' ? { userName: caller.userName } : {}),
    ...(type === 'WebIdentityUser' && session?.federatedProvider !== undefined
      ? { identityProvider: session.federatedProvider }
      : {}),
    ...(session && type !== 'WebIdentityUser' ? { sessionContext: sessionContext(caller) } : {}),
    ...(invokedBy !== undefined && { invokedBy }),
  }
}

function sessionContext({ accountId, session }: CallerFacts) {
  const { issuer, federatedProvider, issuedAtMs, sourceIdentity } = session!
  return {
    ...(issuer && {
      sessionIssuer: {
        type: issuer.type,
        principalId: issuer.principalId,
        arn: issuer.arn,
        accountId,
        userName: issuer.userName,
      },
    }),
    ...(federatedProvider !== undefined && { webIdFederationData: { federatedProvider, attributes: {} } }),
    attributes: { creationDate: inSeconds(issuedAtMs), mfaAuthenticated: 'false' },
    ...(sourceIdentity !== undefined && { sourceIdentity }),
  }
}

/** ISO 8601 without a fraction, as CloudTrail writes times. */
export const inSeconds = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

/** As `inSeconds`; within a second the same text. */
export function timeText(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastTime = inSeconds(ms)
  }
  return lastTime
}
let lastSecond = -1
let lastTime = ''
