/** Which pages of other origins may use a bucket (AWS S3 user guide, "Elements of a CORS configuration"). */
import type { CorsRule } from '../../../objects/records.ts'
import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { requirePromise } from '../../checksum-headers.ts'
import { CORS_METHODS } from '../../cors-rules.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childrenNamed, childText, readXml, type XmlElement } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { cors: undefined }, audit: 'management' } as const
const MAX_RULES = 100
/** In UTF-16 code units, as AWS counts. */
const MAX_ID = 255
const MAX_SECONDS = 2 ** 31 - 1
const ELEMENTS = new Set(['ID', 'AllowedHeader', 'AllowedMethod', 'AllowedOrigin', 'ExposeHeader', 'MaxAgeSeconds'])

export const getBucketCors: Operation = {
  ...base,
  name: 'GetBucketCors',
  method: 'GET',
  action: 's3:GetBucketCORS',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    const { corsRules } = (await buckets.require(call, bucket)).value
    if (!corsRules) throw new S3Error('NoSuchCORSConfiguration', { fields: { BucketName: bucket } })
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: document('CORSConfiguration', corsRules.map(ruleElement)),
    }
  },
}

export const putBucketCors: Operation = {
  ...base,
  name: 'PutBucketCors',
  method: 'PUT',
  action: 's3:PutBucketCORS',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    requirePromise(request.headers)
    const corsRules = readConfiguration(readXml(await request.document()))
    await buckets.change(request.call, request.bucket, (record) => ({ ...record, corsRules }))
    return { status: 200 }
  },
}

export const deleteBucketCors: Operation = {
  ...base,
  name: 'DeleteBucketCors',
  method: 'DELETE',
  action: 's3:PutBucketCORS',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, { call, bucket }) {
    await buckets.change(call, bucket, ({ corsRules: _, ...record }) => record)
    return { status: 204 }
  },
}

function readConfiguration({ name, children }: XmlElement): readonly CorsRule[] {
  if (name !== 'CORSConfiguration' || children.length === 0) throw new S3Error('MalformedXML')
  if (children.length > MAX_RULES) {
    throw invalid(`The number of CORS rules should not exceed allowed limit of ${MAX_RULES} rules.`)
  }
  const rules = children.map(readRule)
  for (const rule of rules) check(rule)
  return rules
}

function readRule(rule: XmlElement): CorsRule {
  const texts = (name: string) => childrenNamed(rule, name).map(({ text }) => text)
  const id = childText(rule, 'ID')
  const seconds = childText(rule, 'MaxAgeSeconds')?.trim()
  const read: CorsRule = {
    ...(id !== undefined && { id }),
    allowedHeaders: texts('AllowedHeader'),
    allowedMethods: texts('AllowedMethod'),
    allowedOrigins: texts('AllowedOrigin'),
    exposeHeaders: texts('ExposeHeader'),
    ...(seconds !== undefined && { maxAgeSeconds: Number(seconds) }),
  }
  const isWhole =
    rule.name === 'CORSRule' &&
    rule.children.every(({ name }) => ELEMENTS.has(name)) &&
    read.allowedMethods.length > 0 &&
    read.allowedOrigins.length > 0 &&
    (seconds === undefined || (/^\d+$/.test(seconds) && Number(seconds) <= MAX_SECONDS))
  if (!isWhole) throw new S3Error('MalformedXML')
  return read
}

/** What is well-formed and yet cannot be. Exposed names go into a header as they stand. */
function check({ id, allowedHeaders, allowedMethods, allowedOrigins, exposeHeaders }: CorsRule): void {
  if (id !== undefined && id.length > MAX_ID) {
    throw new S3Error('InvalidArgument', { message: `ID length should not exceed allowed limit of ${MAX_ID}` })
  }
  for (const method of allowedMethods) {
    if (CORS_METHODS.has(method)) continue
    throw invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`)
  }
  requireOneWildcard('AllowedOrigin', allowedOrigins)
  requireOneWildcard('AllowedHeader', allowedHeaders)
  for (const name of exposeHeaders) {
    if (name.includes('*')) {
      throw invalid(`ExposeHeader "${name}" contains wildcard. We currently do not support wildcard for ExposeHeader.`)
    }
    if (!/^[\w!#$%&'+.^`|~-]+$/.test(name)) throw invalid(`ExposeHeader "${name}" contains invalid character.`)
  }
}

function requireOneWildcard(name: string, patterns: readonly string[]): void {
  const several = patterns.find((pattern) => pattern.indexOf('*') !== pattern.lastIndexOf('*'))
  if (several !== undefined) throw invalid(`${name} "${several}" can not have more than one wildcard.`)
}

const invalid = (message: string) => new S3Error('InvalidRequest', { message })

function ruleElement(rule: CorsRule): XmlPiece {
  const each = (name: string, values: readonly string[]) => values.map((value) => element(name, value))
  return element('CORSRule', [
    element('ID', rule.id),
    ...each('AllowedHeader', rule.allowedHeaders),
    ...each('AllowedMethod', rule.allowedMethods),
    ...each('AllowedOrigin', rule.allowedOrigins),
    ...each('ExposeHeader', rule.exposeHeaders),
    element('MaxAgeSeconds', rule.maxAgeSeconds),
  ])
}
