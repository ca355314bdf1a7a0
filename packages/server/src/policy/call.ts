/** A call: who makes it, how it came, and what is told of its decisions. Every service's operations take one. */
import type { CallerFacts, DecisionFacts, SignatureFacts } from '../core/outcome.ts'
import type { Policy } from './document.ts'
import type { PolicyPrincipal } from './request.ts'

/** An authenticated caller, or the anonymous one. `canonicalId` and `displayName` are those of its account. */
export interface Principal extends CallerFacts {
  readonly canonicalId: string
  readonly displayName: string
  /** Who it is to a policy. */
  readonly named: PolicyPrincipal
  readonly permissions: Permissions
  /** Tags of the user or role, and of the session over them. */
  readonly tags: Readonly<Record<string, string>>
}

/** The policies that a principal itself has. */
export interface Permissions {
  readonly identity: readonly Policy[]
  readonly boundary: Policy | undefined
  /** Undefined where the session has none; several must all allow. */
  readonly session: readonly Policy[] | undefined
}

/** What a door knows of the request that a call below is made for. */
export interface CallContext {
  readonly principal: Principal
  readonly requestId: string
  /** When the request came, in milliseconds since the epoch: the only time that a policy sees. */
  readonly atMs: number
  readonly sourceIp: string
  readonly userAgent: string | undefined
  readonly referer: string | undefined
  readonly secureTransport: boolean
  /** As Node names it, e.g. 'TLSv1.3'; undefined over plain HTTP and behind a proxy. */
  readonly tlsVersion: string | undefined
  /** Undefined for an anonymous request. */
  readonly signature: SignatureFacts | undefined
  readonly region: string
  /** Set where S3 calls the KMS for the principal. */
  readonly via: 's3' | undefined
  /** Set where a service calls: the resource for whose sake it does, e.g. a trail. */
  readonly source?: { readonly arn: string; readonly accountId: string }
  /**
   * Ids of the buckets that this call has been allowed to use for something. The objects room opens no other, so that an
   * operation which forgot to ask, or a bucket made anew by somebody else meanwhile, finds a closed door.
   */
  readonly openedBuckets: Pick<ReadonlySet<string>, 'has'>
  /** Told of each decision. */
  decided(decision: DecisionFacts): void
  /** Told the time at which the call counts against a request quota, in milliseconds since the epoch. */
  readonly counted?: (atMs: number, quota: string) => void
  /** Given what must be done before anybody is told of the call, such as a record of it being durable. */
  readonly replyAfter?: (kept: Promise<void>) => void
}

/** Of a principal that has no policies of its own. */
export const NOTHING: Permissions = { identity: [], boundary: undefined, session: undefined }

/** Whoever sends a request without a signature. */
export const ANONYMOUS: Principal = {
  accountId: 'anonymous',
  arn: 'anonymous',
  principalId: '',
  principalType: 'AWSAccount',
  userName: undefined,
  accessKeyId: undefined,
  canonicalId: '65a011a29cdf8ec533ec3d1ccaae921c',
  displayName: 'anonymous',
  named: { kind: 'Anonymous' },
  permissions: NOTHING,
  tags: {},
}
