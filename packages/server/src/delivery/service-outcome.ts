/** The outcome of what a service writes: a PutObject like anybody's (CloudTrail user guide, events of log delivery). */
import { s3Resources } from '../audit/s3-resources.ts'
import { sseApplied } from '../audit/sse-applied.ts'
import { isFault } from '../core/fault.ts'
import type { Outcome } from '../core/outcome.ts'
import type { PutResult } from '../objects/types.ts'
import type { ServiceCall, ServicePut } from './service-call.ts'

export interface ServicePutDone {
  readonly call: ServiceCall
  readonly put: ServicePut
  readonly result: PutResult | undefined
  readonly failure: unknown
  readonly bucketAccountId: string | undefined
  readonly endedAtMs: number
}

export function servicePutOutcome({ call, put, result, failure, bucketAccountId, endedAtMs }: ServicePutDone): Outcome {
  const { bucket, key, cannedAcl, protection, service, body } = put
  const asked = protection && protection.kind !== 'default' ? protection.kind : undefined
  const method = 'x-amz-server-side-encryption'
  return {
    service: 's3',
    operation: 'PutObject',
    requestId: call.requestId,
    startedAtMs: call.atMs,
    durationMs: endedAtMs - call.atMs,
    status: result ? 200 : 403,
    errorCode: failure === undefined ? undefined : isFault(failure) ? failure.code : 'InternalError',
    region: call.region,
    caller: call.principal,
    sourceIp: service,
    userAgent: service,
    tls: undefined,
    bytesIn: result ? body.length : 0,
    bytesOut: 0,
    readOnly: false,
    bucket,
    objectKey: key,
    encryption: result?.protection.method,
    kmsKeyArn: result?.protection.kmsKeyArn,
    audit: {
      category: 'Data',
      requestParameters: () => ({
        bucketName: bucket,
        key,
        ...(cannedAcl && { 'x-amz-acl': cannedAcl }),
        ...(asked && { [method]: asked }),
      }),
      responseElements: () => (result ? { [method]: result.protection.method } : null),
      additionalEventData: () => ({
        bytesTransferredIn: result ? body.length : 0,
        ...(result && { SSEApplied: sseApplied(result.protection.method, !asked) }),
        bytesTransferredOut: 0,
      }),
      resources: () => s3Resources(bucket, key, bucketAccountId),
      usedBucketKey: result?.protection.kmsKeyArn !== undefined && call.kept.length === 0,
    },
  }
}
