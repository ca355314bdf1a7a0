import type { GetInput, ObjectFacts } from '../../../objects/types.ts'
import { customerKeyOfRead, protectionHeaders } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { checksumHeaders, conditions, objectHeaders, requestedRange } from '../../object-headers.ts'
import type { Operation, S3Reply, S3Request } from '../../operation.ts'

export const getObject: Operation = {
  name: 'GetObject',
  method: 'GET',
  target: 'object',
  action: 's3:GetObject',
  audit: 'data',
  readOnly: true,
  body: { kind: 'none' },
  async run({ objects }, request) {
    const input = readInput(request)
    try {
      const { facts, range, content } = await objects.get(request.call, input)
      return { ...reply(request, input, facts, range), body: content }
    } finally {
      input.customerKey?.key.wipe()
    }
  },
}

export const headObject: Operation = {
  ...getObject,
  name: 'HeadObject',
  method: 'HEAD',
  async run({ objects }, request) {
    const input = readInput(request)
    try {
      const { facts, range } = await objects.head(request.call, input)
      const { headers, ...rest } = reply(request, input, facts, range)
      const length = range ? range.endExclusive - range.start : facts.plaintextSize
      return { ...rest, headers: { ...headers, 'content-length': String(length) } }
    } finally {
      input.customerKey?.key.wipe()
    }
  },
}

function readInput(request: S3Request): GetInput {
  const { headers, query, call } = request
  const partNumber = query.get('partNumber')
  if (partNumber !== undefined && partNumber !== '1') {
    if (!/^\d{1,5}$/.test(partNumber) || Number(partNumber) < 1 || Number(partNumber) > 10_000) {
      const message = 'Part number must be an integer between 1 and 10000, inclusive'
      throw new S3Error('InvalidArgument', {
        message,
        fields: { ArgumentName: 'partNumber', ArgumentValue: partNumber },
      })
    }
    // Every object of this server is one part.
    throw S3Error.foreign('InvalidPartNumber', 416, 'The requested partnumber is not satisfiable', {
      PartNumberRequested: partNumber,
      ActualPartCount: '1',
    })
  }
  return {
    bucket: request.bucket,
    objectKey: request.objectKey,
    versionId: query.get('versionId'),
    range: requestedRange(headers.range),
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
  facts: ObjectFacts,
  range: { readonly start: number; readonly endExclusive: number } | undefined,
): S3Reply & { headers: Record<string, string | undefined> } {
  Object.assign(request.notes, {
    versionId: facts.versionId,
    encryption: facts.protection.method,
    kmsKeyArn: facts.protection.kmsKeyArn,
  })
  const overrides: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`)
    if (value !== undefined) overrides[name] = value
  }
  const wantsChecksum = String(request.headers['x-amz-checksum-mode'] ?? '').toUpperCase() === 'ENABLED'
  return {
    status: range ? 206 : 200,
    headers: {
      ...objectHeaders(facts),
      ...overrides,
      ...(range && { 'content-range': `bytes ${range.start}-${range.endExclusive - 1}/${facts.plaintextSize}` }),
      ...protectionHeaders(facts.protection, input.customerKey),
      ...(wantsChecksum && !range && checksumHeaders(facts.checksum)),
    },
    userMetadata: facts.userMetadata,
  }
}
