import type { CallerFacts } from './outcome.ts'

/** An authenticated caller. `canonicalId` and `displayName` are those of its account, shown as owner by S3. */
export interface Principal extends CallerFacts {
  readonly canonicalId: string
  readonly displayName: string
}

/** What a door knows of the request that a call below is made for; KMS audit and policy need it. */
export interface CallContext {
  readonly principal: Principal
  readonly requestId: string
  readonly sourceIp: string
  readonly userAgent: string | undefined
  readonly secureTransport: boolean
  readonly signatureVersion: 'v2' | 'v4'
  readonly region: string
  /** Set where S3 calls the KMS for the principal. */
  readonly via: 's3' | undefined
}
