/** Buckets themselves: create, head, list, delete, location. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Accounts } from '../../../identity/accounts.ts'
import type { NewBuckets } from '../../../objects/buckets.ts'
import type { Tags } from '../../../objects/types.ts'
import { isPublicAcl } from '../../../policy/acl.ts'
import { document, element, escapeText, raw } from '../../../protocols/xml-writer.ts'
import { hasAclHeaders, isHarmless, readAclHeaders, toAcl } from '../../acl.ts'
import { S3Error } from '../../errors.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { BUCKET_TAGS, readTagElements } from '../../tags.ts'
import { childrenNamed, childText, onlyChild, readXml } from '../../xml-reader.ts'
import { refuseUnsupportedHeaders } from '../objects/unsupported-headers.ts'
import { asObjectOwnership } from './ownership-controls.ts'

const base = { audit: 'management', body: { kind: 'none' } } as const
const XML = { 'content-type': 'application/xml' }

export const createBucket: Operation = {
  ...base,
  name: 'CreateBucket',
  method: 'PUT',
  target: 'bucket',
  action: 's3:CreateBucket',
  // What it needs depends on the tags, which stand in the body.
  access: () => [],
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ accounts, buckets, region }, request) {
    const { bucket, headers } = request
    const { locationConstraint: given, tags } = readConfiguration(await request.document())
    for (const action of createActions(headers, tags)) {
      await request.authorize({ action, bucket, requestTags: tags, unmade: true })
    }
    refuseUnsupportedHeaders(headers)
    const wanted = given === 'EU' ? 'eu-west-1' : given === undefined || given === '' ? undefined : given
    if ((wanted ?? 'us-east-1') !== region) {
      const message = `The ${wanted ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`
      throw new S3Error('IllegalLocationConstraintException', { message })
    }
    const chosen = chosenSettings(accounts, request)
    const locked = wantsObjectLock(headers) ? LOCKED : {}
    await buckets.create(request.call, bucket, (settings) => ({
      ...chosen(settings),
      ...(tags && { tags }),
      ...locked,
    }))
    return { status: 200, headers: { location: `/${bucket}` } }
  },
}

/** Throws S3Error MalformedXML, InvalidTag or BadRequest. */
function readConfiguration(body: Uint8Array): { locationConstraint?: string | undefined; tags?: Tags | undefined } {
  if (body.length === 0) return {}
  const root = readXml(body)
  const set = onlyChild(root, 'Tags')
  const tags = set ? readTagElements(childrenNamed(set, 'Tag'), BUCKET_TAGS) : []
  return { locationConstraint: childText(root, 'LocationConstraint'), tags: tags.length === 0 ? undefined : tags }
}

const wantsObjectLock = (headers: IncomingHttpHeaders) =>
  String(headers['x-amz-bucket-object-lock-enabled'] ?? '').toLowerCase() === 'true'

/** Object Lock comes with versioning. */
const LOCKED = { versioning: 'Enabled', objectLock: {} } as const

/** What a request says otherwise than new buckets have it is allowed by itself. */
function createActions(headers: IncomingHttpHeaders, tags: Tags | undefined): string[] {
  return [
    's3:CreateBucket',
    ...(tags ? ['s3:TagResource'] : []),
    ...(hasAclHeaders(headers) ? ['s3:PutBucketAcl'] : []),
    ...(headers[OWNERSHIP] === undefined ? [] : ['s3:PutBucketOwnershipControls']),
    ...(wantsObjectLock(headers) ? ['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'] : []),
  ]
}

/** Throws S3Error, now or when it is asked. */
function chosenSettings(accounts: Accounts, { call, headers }: S3Request) {
  const given = headers[OWNERSHIP]
  const ownership = asObjectOwnership(given === undefined ? undefined : String(given))
  if (given !== undefined && !ownership) {
    throw new S3Error('InvalidArgument', {
      message: `Invalid ${OWNERSHIP} header: ${String(given)}`,
      fields: { ArgumentName: OWNERSHIP },
    })
  }
  const requested = readAclHeaders(accounts, headers)
  return (settings: NewBuckets) => {
    const objectOwnership = ownership ?? settings.objectOwnership
    if (!requested) return { objectOwnership }
    if (objectOwnership === 'BucketOwnerEnforced') {
      if (isHarmless(requested)) return { objectOwnership }
      throw new S3Error('InvalidBucketAclWithObjectOwnership')
    }
    const { accountId } = call.principal
    const acl = toAcl(accounts, requested, { owner: accountId, bucketOwner: accountId })
    if (settings.blockPublicAccess && isPublicAcl(acl)) throw new S3Error('InvalidBucketAclWithBlockPublicAccessError')
    return { objectOwnership, acl }
  }
}

const OWNERSHIP = 'x-amz-object-ownership'

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
