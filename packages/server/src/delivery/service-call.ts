/**
 * What the server does for itself in somebody's bucket: calls of a service principal, allowed or refused by the bucket's
 * policy and ACL as those of anybody are at the S3 door. A service has no policies of its own and is of no account, so what
 * nobody gave it it may not do; `aws:SourceArn` and `aws:SourceAccount` tell for whose sake it calls.
 */
import { randomBytes } from 'node:crypto'
import type { Trail } from '../core/outcome.ts'
import type { Buckets } from '../objects/buckets.ts'
import type { Objects } from '../objects/objects.ts'
import { aclsSpeak } from '../objects/ownership.ts'
import type { BucketRecord } from '../objects/records.ts'
import { bucketSide } from '../objects/resource-side.ts'
import type { IncomingBody, PutResult, RequestedProtection, StoredHeaders, UserMetadata } from '../objects/types.ts'
import type { Access } from '../policy/access.ts'
import { type Acl, privateAcl } from '../policy/acl.ts'
import { authorize, decisionFacts, denied } from '../policy/authorize.ts'
import { type CallContext, NOTHING, type Principal } from '../policy/call.ts'
import type { KeyValue } from '../policy/condition-keys.ts'
import { servicePutOutcome } from './service-outcome.ts'

export type ServicePrincipal = 'cloudtrail.amazonaws.com' | 'logging.s3.amazonaws.com'

/** Which service calls, and for the sake of which resource of which account. */
export interface ServiceCaller {
  readonly service: ServicePrincipal
  /** `aws:SourceArn`, e.g. of the trail or of the bucket whose requests are logged. */
  readonly sourceArn: string
  /** `aws:SourceAccount`, 12 digits. */
  readonly sourceAccount: string
}

/** What such calls are made with. */
export interface ServiceCallServices {
  readonly buckets: Pick<Buckets, 'find'>
  readonly objects: Pick<Objects, 'put'>
  readonly clock: { nowMs(): number }
  readonly region: string
  /** Undefined: nothing is kept on record. */
  readonly trail?: Trail | undefined
}

/** A call under way; what it is allowed to use, and what must be kept of it, is noted in it. */
export interface ServiceCall extends CallContext {
  readonly openedBuckets: Set<string>
  readonly kept: readonly Promise<void>[]
}

/** An object for a service to write. */
export interface ServicePut extends ServiceCaller {
  readonly bucket: string
  readonly key: string
  readonly body: Uint8Array
  readonly headers?: StoredHeaders
  readonly userMetadata?: UserMetadata
  /** `default`: as the bucket has it. */
  readonly protection?: RequestedProtection
  /** What `s3:x-amz-acl` is to the bucket's policy. The object is the bucket owner's in any case. */
  readonly cannedAcl?: 'bucket-owner-full-control'
  /** What others are granted of it, where the bucket lets ACLs speak. */
  readonly grants?: Acl
}

export function serviceCall(
  { service, sourceArn, sourceAccount }: ServiceCaller,
  { clock, region }: Pick<ServiceCallServices, 'clock' | 'region'>,
): ServiceCall {
  const kept: Promise<void>[] = []
  return {
    principal: servicePrincipal(service, sourceAccount),
    requestId: randomBytes(8).toString('hex').toUpperCase(),
    atMs: clock.nowMs(),
    // CloudTrail's words for where a service calls from, and by what.
    sourceIp: service,
    userAgent: service,
    referer: undefined,
    // It never leaves this process.
    secureTransport: true,
    tlsVersion: undefined,
    // As good as one, for what asks for it before it lets a key be used.
    signature: { version: 'v4', by: 'header', ageMs: 0 },
    region,
    via: undefined,
    source: { arn: sourceArn, accountId: sourceAccount },
    openedBuckets: new Set(),
    decided: () => undefined,
    kept,
    replyAfter(promise) {
      // It is waited for later, and must not count as unheard until then.
      promise.catch(() => undefined)
      kept.push(promise)
    },
  }
}

/**
 * Opens the bucket to the call where its policy or its ACL allows the action. `keys`: the service's own condition keys, by
 * lower-case name. Throws Fault BucketNotFound or AccessDenied.
 */
export async function requireServiceAccess(
  { buckets }: Pick<ServiceCallServices, 'buckets'>,
  call: ServiceCall,
  need: {
    readonly action: 's3:PutObject' | 's3:GetBucketAcl'
    readonly bucket: string
    readonly key?: string
    readonly keys?: Readonly<Record<string, KeyValue>>
  },
): Promise<BucketRecord> {
  const record = await buckets.find(need.bucket)
  const side = bucketSide(call.principal, record, need.bucket)
  const arn = `arn:aws:s3:::${need.bucket}`
  const access: Access = {
    action: need.action,
    resource: need.key === undefined ? arn : `${arn}/${need.key}`,
    resourceAccount: side.accountId,
    resourcePolicy: side.policy,
    keys: (key) => need.keys?.[key],
  }
  const decision = authorize(call, access)
  call.decided(decisionFacts(call, access, decision))
  if (!decision.allowed) throw denied(call, access, decision)
  call.openedBuckets.add(record.bucketId)
  return record
}

/** Whether `putAsService` would be allowed to write this. Throws as it does. */
export async function requireServicePut(
  services: Pick<ServiceCallServices, 'buckets' | 'clock' | 'region'>,
  put: Omit<ServicePut, 'body'>,
  call: ServiceCall = serviceCall(put, services),
): Promise<void> {
  await requireServiceAccess(services, call, {
    action: 's3:PutObject',
    bucket: put.bucket,
    key: put.key,
    keys: conditionKeys(put),
  })
}

/**
 * Writes an object as a service, and resolves once what must be is on record. Throws Fault BucketNotFound, AccessDenied, and
 * what `Objects.put` throws.
 */
export async function putAsService(services: ServiceCallServices, put: ServicePut): Promise<PutResult> {
  const call = serviceCall(put, services)
  let result: PutResult | undefined
  let failure: unknown
  try {
    await requireServicePut(services, put, call)
    result = await services.objects.put(call, {
      bucket: put.bucket,
      objectKey: put.key,
      body: bodyOf(put.body),
      headers: put.headers ?? {},
      userMetadata: put.userMetadata ?? [],
      access: (record) =>
        put.grants && aclsSpeak(record) ? { acl: [...privateAcl(record.accountId), ...put.grants] } : undefined,
      protection: put.protection ?? { kind: 'default' },
      conditions: {},
    })
    return result
  } catch (error) {
    failure = error
    throw error
  } finally {
    const owner = await services.buckets.find(put.bucket).catch(() => undefined)
    const kept = services.trail?.record(
      servicePutOutcome({
        call,
        put,
        result,
        failure,
        bucketAccountId: owner?.accountId,
        endedAtMs: services.clock.nowMs(),
      }),
    )
    await Promise.all([...call.kept, kept])
  }
}

function servicePrincipal(service: ServicePrincipal, sourceAccount: string): Principal {
  return {
    // Whose keys it names where it names no account, and whose quotas it uses.
    accountId: sourceAccount,
    arn: service,
    principalId: '',
    principalType: 'AWSService',
    userName: undefined,
    accessKeyId: undefined,
    canonicalId: '',
    displayName: service,
    named: { kind: 'Service', service },
    permissions: NOTHING,
    tags: {},
  }
}

/** Those that policies for log buckets ask for. */
function conditionKeys({ cannedAcl, protection }: Omit<ServicePut, 'body'>): Record<string, KeyValue> {
  const asked = protection && protection.kind !== 'default' && protection.kind !== 'SSE-C' ? protection : undefined
  return {
    's3:x-amz-acl': cannedAcl,
    's3:x-amz-server-side-encryption': asked?.kind,
    's3:x-amz-server-side-encryption-aws-kms-key-id': asked && 'keyId' in asked ? asked.keyId : undefined,
  }
}

const bodyOf = (bytes: Uint8Array): IncomingBody => ({
  chunks: (async function* () {
    // Whoever consumes a chunk owns it, and a caller may want to try again.
    yield Uint8Array.from(bytes)
  })(),
  declaredBytes: bytes.length,
  checksumAlgorithm: undefined,
  needsMd5: false,
  needsSha256: false,
  expectations: () => ({ contentMd5: undefined, payloadSha256: undefined, checksum: undefined }),
})
