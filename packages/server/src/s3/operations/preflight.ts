/**
 * What browsers ask before a page of another origin makes a request (Amazon S3 API reference, "OPTIONS object"). Nobody signs
 * it. The headers that it is about are in every reply that a rule of the bucket fits; here it is only said whether one does.
 */
import type { BucketRecord } from '../../objects/records.ts'
import { CORS_METHODS, corsHeaders } from '../cors-rules.ts'
import { S3Error } from '../errors.ts'
import { findBucket } from '../observed-bucket.ts'
import type { Operation, S3Reply, S3Request } from '../operation.ts'
import type { S3Services } from '../services.ts'

const TARGETS = ['service', 'bucket', 'object'] as const

export const preflights: readonly Operation[] = TARGETS.map((target) => ({
  name: 'OptionsObject',
  method: 'OPTIONS',
  target,
  authenticatedBy: 'nobody',
  action: '',
  access: () => [],
  audit: 'none',
  readOnly: true,
  body: { kind: 'none' },
  run: answer,
}))

async function answer(services: S3Services, request: S3Request): Promise<S3Reply> {
  const { headers, bucket, objectKey, notes } = request
  const method = headers['access-control-request-method']
  if (!headers.origin) {
    throw new S3Error('BadRequest', { message: 'Insufficient information. Origin request header needed.' })
  }
  const record = await findBucket(services, bucket)
  if (record) notes.bucketRecord = record
  const rules = requireRules(record, method)
  if (method === undefined || !CORS_METHODS.has(method)) {
    throw new S3Error('BadRequest', { message: `Invalid Access-Control-Request-Method: ${method ?? null}` })
  }
  if (!corsHeaders(rules, request)) {
    throw new S3Error('AccessForbidden', {
      fields: { Method: method, ResourceType: objectKey === '' ? 'BUCKET' : 'OBJECT' },
    })
  }
  return { status: 200 }
}

function requireRules(record: BucketRecord | undefined, method = 'OPTIONS') {
  if (record?.corsRules) return record.corsRules
  throw new S3Error('AccessForbidden', {
    message: record ? 'CORSResponse: CORS is not enabled for this bucket.' : 'CORSResponse: Bucket not found',
    fields: { Method: method, ResourceType: 'BUCKET' },
  })
}
