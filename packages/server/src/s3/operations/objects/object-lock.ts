/** Retention and legal hold of an object's version. */
import type { ObjectFacts } from '../../../objects/types.ts'
import type { AccessNeed } from '../../access-need.ts'
import { requirePromise } from '../../checksum-headers.ts'
import { S3Error } from '../../errors.ts'
import { asksToBypass, legalHoldDocument, readLegalHold, readRetention, retentionDocument } from '../../object-lock.ts'
import type { Operation, S3Reply, S3Request } from '../../operation.ts'

const retention = { target: 'object', query: { retention: undefined }, audit: 'data' } as const
const legalHold = { target: 'object', query: { 'legal-hold': undefined }, audit: 'data' } as const
const XML = { 'content-type': 'application/xml' }

function target({ bucket, objectKey, query }: S3Request) {
  return { bucket, objectKey, versionId: query.get('versionId') }
}

/** To pass over governance mode, where a request asks for it. */
export const bypassNeeds = (headers: S3Request['headers'], need: Omit<AccessNeed, 'action'>): AccessNeed[] =>
  asksToBypass(headers) ? [{ ...need, action: 's3:BypassGovernanceRetention' }] : []

/** The document, or 404 where the version has nothing of the kind. */
function reply(request: S3Request, facts: ObjectFacts, body: string | undefined): S3Reply {
  request.notes.versionId = facts.versionId
  if (body === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
  return { status: 200, headers: XML, body }
}

export const getObjectRetention: Operation = {
  ...retention,
  name: 'GetObjectRetention',
  method: 'GET',
  action: 's3:GetObjectRetention',
  access: (request) => [{ ...target(request), action: 's3:GetObjectRetention' }],
  readOnly: true,
  body: { kind: 'none' },
  async run({ objectLocks }, request) {
    const facts = await objectLocks.read(request.call, target(request))
    return reply(request, facts, facts.lock?.retention && retentionDocument(facts.lock.retention))
  },
}

export const putObjectRetention: Operation = {
  ...retention,
  name: 'PutObjectRetention',
  method: 'PUT',
  action: 's3:PutObjectRetention',
  // What the conditions see of the retention stands in the body.
  access: () => [],
  readOnly: false,
  body: { kind: 'document', maxBytes: 16 * 1024 },
  async run({ objectLocks }, request) {
    const { headers, call, notes } = request
    requirePromise(headers)
    const asked = readRetention(await request.document(), call.atMs)
    const need = { ...target(request), requestLock: asked && { retention: asked } }
    await request.authorize({ ...need, action: 's3:PutObjectRetention' })
    for (const bypass of bypassNeeds(headers, need)) await request.authorize(bypass)
    const facts = await objectLocks.putRetention(call, target(request), asked, asksToBypass(headers))
    notes.versionId = facts.versionId
    return { status: 200 }
  },
}

export const getObjectLegalHold: Operation = {
  ...legalHold,
  name: 'GetObjectLegalHold',
  method: 'GET',
  action: 's3:GetObjectLegalHold',
  access: (request) => [{ ...target(request), action: 's3:GetObjectLegalHold' }],
  readOnly: true,
  body: { kind: 'none' },
  async run({ objectLocks }, request) {
    const facts = await objectLocks.read(request.call, target(request))
    return reply(request, facts, facts.lock?.legalHold && legalHoldDocument(facts.lock.legalHold))
  },
}

export const putObjectLegalHold: Operation = {
  ...legalHold,
  name: 'PutObjectLegalHold',
  method: 'PUT',
  action: 's3:PutObjectLegalHold',
  // What the conditions see of the hold stands in the body.
  access: () => [],
  readOnly: false,
  body: { kind: 'document', maxBytes: 16 * 1024 },
  async run({ objectLocks }, request) {
    requirePromise(request.headers)
    const asked = readLegalHold(await request.document())
    await request.authorize({
      ...target(request),
      action: 's3:PutObjectLegalHold',
      requestLock: { legalHold: asked },
    })
    const facts = await objectLocks.putLegalHold(request.call, target(request), asked)
    request.notes.versionId = facts.versionId
    return { status: 200 }
  },
}
