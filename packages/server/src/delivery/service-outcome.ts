/** The outcome of what a service writes: a PutObject like anybody's (CloudTrail user guide, events of log delivery). */
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
        ...(result && { SSEApplied: `${asked ? '' : 'Default_'}${SSE_NAMES[result.protection.method]}` }),
        bytesTransferredOut: 0,
      }),
      resources: () => [
        { type: 'AWS::S3::Object', ARN: `arn:aws:s3:::${bucket}/${key}` },
        {
          ...(bucketAccountId && { accountId: bucketAccountId }),
          type: 'AWS::S3::Bucket',
          ARN: `arn:aws:s3:::${bucket}`,
        },
      ],
      usedBucketKey: result?.protection.kmsKeyArn !== undefined && call.kept.length === 0,
    },
  }
}

const SSE_NAMES = { AES256: 'SSE_S3', 'aws:kms': 'SSE_KMS', 'aws:kms:dsse': 'SSE_KMS_DSSE', 'SSE-C': 'SSE_C' } as const
