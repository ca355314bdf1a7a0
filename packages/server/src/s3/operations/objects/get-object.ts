import type { GetInput, GetResult, ObjectFacts } from '../../../objects/types.ts'
import type { AccessNeed } from '../../access-need.ts'
import { hasAccess } from '../../authorize.ts'
import { checksumHeaders } from '../../checksum-headers.ts'
import { customerKeyOfRead, protectionHeaders } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { conditions, objectHeaders, requestedRange } from '../../object-headers.ts'
import { legalHoldHeader, retentionHeaders } from '../../object-lock.ts'
import type { Operation, S3Reply, S3Request } from '../../operation.ts'
import type { S3Services } from '../../services.ts'
import { readPartNumber } from '../multipart/part-number.ts'
import { taggingAction } from './tagging.ts'

/** To read a named version is an action of its own. */
export const readNeed = (bucket: string, objectKey: string, versionId: string | undefined): AccessNeed => ({
  action: versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion',
  bucket,
  objectKey,
  versionId,
})

export const getObject: Operation = {
  name: 'GetObject',
  method: 'GET',
  target: 'object',
  action: 's3:GetObject',
  access: ({ bucket, objectKey, query }) => [readNeed(bucket, objectKey, query.get('versionId'))],
  audit: 'data',
  readOnly: true,
  body: { kind: 'none' },
  async run(services, request) {
    const input = readInput(request)
    try {
      const { content, ...selection } = await services.objects.get(request.call, input)
      const guarded = await guardedHeaders(services, request, selection.facts).catch(async (error: unknown) => {
        await content.close()
        throw error
      })
      const { status, headers, userMetadata } = reply(request, input, selection, guarded)
      return { status, headers, userMetadata, body: content.whole ?? content }
    } finally {
      input.customerKey?.key.wipe()
    }
  },
}

export const headObject: Operation = {
  ...getObject,
  name: 'HeadObject',
  method: 'HEAD',
  async run(services, request) {
    const input = readInput(request)
    try {
      const selection = await services.objects.head(request.call, input)
      const { facts, range } = selection
      const guarded = await guardedHeaders(services, request, facts)
      const { headers, ...rest } = reply(request, input, selection, guarded)
      const length = range ? range.endExclusive - range.start : facts.plaintextSize
      return { ...rest, headers: { ...headers, 'content-length': String(length) } }
    } finally {
      input.customerKey?.key.wipe()
    }
  },
}

/** What is told only to those who may read the thing itself: how many tags there are, and the lock. */
async function guardedHeaders(
  services: S3Services,
  request: S3Request,
  { tags, lock }: ObjectFacts,
): Promise<S3Reply['headers']> {
  const { bucket, objectKey, query } = request
  const versionId = query.get('versionId')
  const may = (action: string) => hasAccess(services, request, { action, bucket, objectKey, versionId })
  return {
    ...(tags.length > 0 &&
      (await may(taggingAction('Get', versionId))) && { 'x-amz-tagging-count': String(tags.length) }),
    ...(lock?.retention && (await may('s3:GetObjectRetention')) && retentionHeaders(lock.retention)),
    ...(lock?.legalHold && (await may('s3:GetObjectLegalHold')) && legalHoldHeader(lock.legalHold)),
  }
}

function readInput(request: S3Request): GetInput {
  const { headers, query, call } = request
  const given = query.get('partNumber')
  const partNumber = given === undefined ? undefined : readPartNumber(given)
  if (partNumber !== undefined && headers.range !== undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'Cannot specify both Range header and partNumber query parameter',
    })
  }
  return {
    bucket: request.bucket,
    objectKey: request.objectKey,
    versionId: query.get('versionId'),
    range: requestedRange(headers.range),
    partNumber,
    conditions: conditions(headers),
    customerKey: customerKeyOfRead(headers, call.secureTransport),
  }
}

const OVERRIDES = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
]

function reply(
  request: S3Request,
  input: GetInput,
  { facts, range, part }: Omit<GetResult, 'content'>,
  guarded: S3Reply['headers'],
): S3Reply & { headers: Record<string, string | undefined>; userMetadata: ObjectFacts['userMetadata'] } {
  Object.assign(request.notes, {
    versionId: facts.versionId,
    encryption: facts.protection.method,
    kmsKeyArn: facts.protection.kmsKeyArn,
    objectSize: facts.plaintextSize,
  })
  const overrides: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`)
    if (value !== undefined) overrides[name] = value
  }
  const wantsChecksum = String(request.headers['x-amz-checksum-mode'] ?? '').toUpperCase() === 'ENABLED'
  const isEmpty = range?.start === range?.endExclusive
  return {
    status: range || part ? 206 : 200,
    headers: {
      ...objectHeaders(facts),
      ...overrides,
      ...(range &&
        !isEmpty && { 'content-range': `bytes ${range.start}-${range.endExclusive - 1}/${facts.plaintextSize}` }),
      ...guarded,
      'x-amz-mp-parts-count': part?.count === undefined ? undefined : String(part.count),
      ...protectionHeaders(facts.protection, input.customerKey),
      ...(wantsChecksum && checksumHeaders(part ? part.checksum : range ? undefined : facts.checksum)),
    },
    userMetadata: facts.userMetadata,
  }
}
