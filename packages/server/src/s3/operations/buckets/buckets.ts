/** Buckets themselves: create, head, list, delete, location. */

import { document, element, escapeText, raw } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childText, readXml } from '../../xml-reader.ts'
import { refuseUnsupportedHeaders } from '../objects/unsupported-headers.ts'

const base = { audit: 'management', body: { kind: 'none' } } as const
const XML = { 'content-type': 'application/xml' }

export const createBucket: Operation = {
  ...base,
  name: 'CreateBucket',
  method: 'PUT',
  target: 'bucket',
  action: 's3:CreateBucket',
  access: ({ bucket }) => [{ action: 's3:CreateBucket', bucket, unmade: true }],
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets, region }, request) {
    refuseUnsupportedHeaders(request.headers)
    if (String(request.headers['x-amz-bucket-object-lock-enabled'] ?? '').toLowerCase() === 'true') {
      throw new S3Error('NotImplemented', {
        message: 'Object Lock is not implemented.',
        fields: { Header: 'x-amz-bucket-object-lock-enabled' },
      })
    }
    const body = await request.document()
    const given = body.length === 0 ? undefined : childText(readXml(body), 'LocationConstraint')
    const wanted = given === 'EU' ? 'eu-west-1' : given === undefined || given === '' ? undefined : given
    if ((wanted ?? 'us-east-1') !== region) {
      const message = `The ${wanted ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`
      throw new S3Error('IllegalLocationConstraintException', { message })
    }
    await buckets.create(request.call, request.bucket)
    return { status: 200, headers: { location: `/${request.bucket}` } }
  },
}

export const headBucket: Operation = {
  ...base,
  name: 'HeadBucket',
  method: 'HEAD',
  target: 'bucket',
  action: 's3:ListBucket',
  readOnly: true,
  async run({ buckets, region }, request) {
    await buckets.require(request.call, request.bucket)
    return { status: 200, headers: { 'x-amz-bucket-region': region, 'x-amz-access-point-alias': 'false' } }
  },
}

export const deleteBucket: Operation = {
  ...base,
  name: 'DeleteBucket',
  method: 'DELETE',
  target: 'bucket',
  action: 's3:DeleteBucket',
  readOnly: false,
  async run({ buckets }, request) {
    await buckets.delete(request.call, request.bucket)
    return { status: 204 }
  },
}

const MAX_BUCKETS = 10_000

export const listBuckets: Operation = {
  ...base,
  name: 'ListBuckets',
  method: 'GET',
  target: 'service',
  action: 's3:ListAllMyBuckets',
  access: () => [{ action: 's3:ListAllMyBuckets', bucket: undefined }],
  readOnly: true,
  async run({ buckets, region }, request) {
    const { principal } = request.call
    const given = request.query.get('max-buckets')
    const limit = given === undefined ? MAX_BUCKETS : Number(given)
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_BUCKETS) {
      const message = 'Argument max-buckets must be an integer between 1 and 10000'
      throw new S3Error('InvalidArgument', {
        message,
        fields: { ArgumentName: 'max-buckets', ArgumentValue: given ?? '' },
      })
    }
    const token = request.query.get('continuation-token')
    const prefix = request.query.get('prefix') ?? ''
    const after = token === undefined ? undefined : Buffer.from(token, 'base64url').toString()
    const found = await buckets.list(request.call, { prefix, after, limit: limit + 1 })
    const page = found.slice(0, limit)
    const rows = page.map(({ name, createdAtMs }) =>
      element('Bucket', [
        element('Name', name),
        element('CreationDate', new Date(createdAtMs).toISOString()),
        element('BucketRegion', given === undefined ? undefined : region),
      ]),
    )
    return {
      status: 200,
      headers: XML,
      body: document('ListAllMyBucketsResult', [
        element('Owner', [element('ID', principal.canonicalId), element('DisplayName', principal.displayName)]),
        element('Buckets', rows),
        element('Prefix', prefix === '' ? undefined : prefix),
        element(
          'ContinuationToken',
          found.length > limit ? Buffer.from(page.at(-1)!.name).toString('base64url') : undefined,
        ),
      ]),
    }
  },
}

export const getBucketLocation: Operation = {
  ...base,
  name: 'GetBucketLocation',
  method: 'GET',
  target: 'bucket',
  query: { location: undefined },
  action: 's3:GetBucketLocation',
  readOnly: true,
  async run({ buckets, region }, request) {
    await buckets.require(request.call, request.bucket)
    return {
      status: 200,
      headers: XML,
      body: document('LocationConstraint', region === 'us-east-1' ? [] : [raw(escapeText(region))]),
    }
  },
}

export const getBucketAcl: Operation = {
  ...base,
  name: 'GetBucketAcl',
  method: 'GET',
  target: 'bucket',
  query: { acl: undefined },
  action: 's3:GetBucketAcl',
  readOnly: true,
  async run({ accounts, buckets }, request) {
    const { value } = await buckets.require(request.call, request.bucket)
    const { canonicalId, displayName } = accounts.find(value.accountId)
    const owner = [element('ID', canonicalId), element('DisplayName', displayName)]
    const grantee = owner.map((piece) => piece.markup).join('')
    const grant = `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${grantee}</Grantee>`
    return {
      status: 200,
      headers: XML,
      body: document('AccessControlPolicy', [
        element('Owner', owner),
        element('AccessControlList', [element('Grant', [raw(grant), element('Permission', 'FULL_CONTROL')])]),
      ]),
    }
  },
}
