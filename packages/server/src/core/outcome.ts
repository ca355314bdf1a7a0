/**
 * The outcome: the one value in which every request ends, also when it fails. Audit and metrics are observers of it.
 * It carries facts for people who must prove what happened; never a key, a secret or a byte of content.
 */

export type ServiceName = 's3' | 'kms' | 'sts' | 'iam' | 'cloudtrail' | 'monitoring' | 'servicequotas' | 'server'

/** How an object's bytes are or were asked to be sealed. */
export type EncryptionMethod = 'AES256' | 'aws:kms' | 'aws:kms:dsse' | 'SSE-C'

/** CloudTrail's words for kinds of callers; `AWSAccount` is what it calls an anonymous one. */
export type CallerType =
  | 'Root'
  | 'IAMUser'
  | 'AssumedRole'
  | 'FederatedUser'
  | 'WebIdentityUser'
  | 'AWSAccount'
  | 'AWSService'

/** Who called, as far as it is known. */
export interface CallerFacts {
  readonly accountId: string
  readonly arn: string
  readonly principalId: string
  readonly principalType: CallerType
  readonly userName: string | undefined
  /** Undefined for an anonymous caller. */
  readonly accessKeyId: string | undefined
  /** Set where the credentials are temporary. */
  readonly session?: SessionFacts | undefined
}

/** What is known of temporary credentials. */
export interface SessionFacts {
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  /** Whose permissions the session has; absent where a root user or a web identity stands behind it alone. */
  readonly issuer?:
    | {
        readonly type: 'Role' | 'IAMUser'
        readonly arn: string
        readonly principalId: string
        readonly userName: string
      }
    | undefined
  /** The provider that vouched for the caller, e.g. the URL of an OpenID Connect one. */
  readonly federatedProvider?: string | undefined
  readonly sourceIdentity?: string | undefined
  /** Of the session's tags those that a session started from it inherits. */
  readonly transitiveTagKeys?: readonly string[]
}

/** One access decision and what made it, for people who ask why. */
export interface DecisionFacts {
  readonly action: string
  readonly resource: string
  readonly decision: 'Allowed' | 'ExplicitDeny' | 'ImplicitDeny'
  /** The statements that decided. */
  readonly by: readonly { readonly policyType: string; readonly policy: string; readonly statement: string }[]
  /** Of an implicit deny: the first kind of policy that would have had to allow. */
  readonly missing?: string | undefined
  /** Of a refusal: the statements that all but one part of the request fits. */
  readonly near?: readonly NearMiss[] | undefined
}

/** A statement that nearly applied, and what kept it from applying. */
export interface NearMiss {
  readonly policyType: string
  readonly policy: string
  readonly statement: string
  readonly effect: 'Allow' | 'Deny'
  readonly failed: 'principal' | 'action' | 'resource' | 'condition'
  /** Of a condition: its key, e.g. `aws:SourceIp`, what the statement wants, and what the request had. */
  readonly operator?: string | undefined
  readonly key?: string | undefined
  readonly wanted?: readonly string[] | undefined
  readonly found?: readonly string[] | undefined
}

export interface TlsFacts {
  /** As Node names it, e.g. 'TLSv1.3'. */
  readonly version: string
  readonly cipher: string
}

export interface Outcome {
  readonly service: ServiceName
  /** AWS's operation name, e.g. 'PutObject'; 'Unknown' where the request did not get so far. */
  readonly operation: string
  readonly requestId: string
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly status: number
  readonly errorCode: string | undefined
  readonly errorMessage?: string | undefined
  /** Of the service that answered. */
  readonly region?: string | undefined
  readonly caller: CallerFacts | undefined
  readonly sourceIp: string
  readonly userAgent: string | undefined
  readonly tls: TlsFacts | undefined
  /** The Host header. */
  readonly host?: string | undefined
  readonly signature?: SignatureFacts | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly readOnly: boolean
  readonly bucket?: string | undefined
  readonly objectKey?: string | undefined
  readonly versionId?: string | undefined
  /** The account whose bucket it is, where there is such a bucket. */
  readonly bucketAccountId?: string | undefined
  /** Ids of the bucket's metrics configurations that the request counts for. */
  readonly metricsFilters?: readonly string[] | undefined
  /** From the request's last byte to the reply's first; undefined where there was no reply. */
  readonly turnAroundMs?: number | undefined
  readonly encryption?: EncryptionMethod | undefined
  readonly kmsKeyArn?: string | undefined
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined
  /** Why it was allowed or refused, one entry for each thing that had to be allowed. */
  readonly decisions?: readonly DecisionFacts[] | undefined
  /** Set where it was refused because it came over plain HTTP. */
  readonly refusedInClear?: boolean | undefined
  /** Set on a KMS call that S3 made for the caller: the S3 request's id. */
  readonly viaRequestId?: string | undefined
  /** The request quota that the call counts against, by its name in quota/quotas.ts. */
  readonly quota?: string | undefined
  readonly audit?: AuditFacts | undefined
}

/** What the audit trail tells besides; made only when a record is written. Nothing in it is a secret. */
export interface AuditFacts {
  /** Events on objects are data events, all others management events (CloudTrail user guide, "CloudTrail concepts"). */
  readonly category: 'Management' | 'Data'
  /** CloudTrail's name of the event, where it is not the operation's. */
  readonly eventName?: string | undefined
  readonly requestParameters: () => Readonly<Record<string, unknown>> | null
  readonly responseElements?: (() => Readonly<Record<string, unknown>> | null) | undefined
  readonly additionalEventData?: (() => Readonly<Record<string, unknown>>) | undefined
  /** Accounts besides the caller's that have one of them are told of the request too. */
  readonly resources?: (() => readonly AuditedResource[]) | undefined
  /**
   * Set where the parameters are the object's key and what is named here, and there are no response elements: requests of
   * one shape have records that differ in their keys, ids, times and sizes alone.
   */
  readonly shape?: (() => string | undefined) | undefined
  /** `x-amz-id-2`, which `additionalEventData` tells. */
  readonly hostId?: (() => string) | undefined
  /** An object under a KMS key that was used without a call of the KMS, by an S3 Bucket Key. */
  readonly usedBucketKey?: boolean | undefined
}

export interface AuditedResource {
  /** e.g. `AWS::KMS::Key`. */
  readonly type: string
  readonly ARN: string
  readonly accountId?: string | undefined
}

/** How a request was signed. */
export interface SignatureFacts {
  readonly version: 'v2' | 'v4'
  readonly by: 'header' | 'query' | 'form'
  /** How long ago, where the signature says. */
  readonly ageMs: number | undefined
}

export interface Observer {
  /** Called once for each outcome. Never throws and never waits. */
  observe(outcome: Outcome): void
}

/** Keeps records of outcomes for those who must prove what happened. */
export interface Trail {
  /**
   * Undefined where the reply need not wait. Else a promise that resolves when the record is durable, and rejects where it
   * could not be kept: then nobody may be told that the call was made.
   */
  record(outcome: Outcome): Promise<void> | undefined
}
