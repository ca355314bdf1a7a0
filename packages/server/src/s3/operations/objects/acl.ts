/** An object's ACL. */
import { aclsSpeak, ownerOf } from '../../../objects/ownership.ts'
import { privateAcl } from '../../../policy/acl.ts'
import { aclDocument, toAcl } from '../../acl.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { refusePublic, requestedAcl, takes } from '../../requested-access.ts'

const base = { target: 'object', query: { acl: undefined }, audit: 'data' } as const

const targetOf = ({ bucket, objectKey, query }: S3Request) => ({ bucket, objectKey, versionId: query.get('versionId') })

export const getObjectAcl: Operation = {
  ...base,
  name: 'GetObjectAcl',
  method: 'GET',
  action: 's3:GetObjectAcl',
  access: (request) => [{ action: actionOn(request, 'Get'), ...targetOf(request) }],
  readOnly: true,
  body: { kind: 'none' },
  async run({ accounts, acls }, request) {
    const { bucket, version, facts } = await acls.read(request.call, targetOf(request))
    request.notes.versionId = facts.versionId
    const owner = ownerOf(bucket.value, version.access)
    const acl = (aclsSpeak(bucket.value) && version.access?.acl) || privateAcl(owner)
    return {
      status: 200,
      headers: { 'content-type': 'application/xml', 'x-amz-version-id': facts.versionId },
      body: aclDocument(accounts, owner, acl),
    }
  },
}

export const putObjectAcl: Operation = {
  ...base,
  name: 'PutObjectAcl',
  method: 'PUT',
  action: 's3:PutObjectAcl',
  access: (request) => [{ action: actionOn(request, 'Put'), ...targetOf(request) }],
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run(services, request) {
    const { accounts, acls, buckets } = services
    const target = targetOf(request)
    const requested = await requestedAcl(services, request)
    const { value: record } = await buckets.require(request.call, request.bucket)
    const { facts } = takes(record, requested)
      ? await acls.put(request.call, target, ({ bucket: { value }, version }) => {
          const owners = { owner: ownerOf(value, version.access), bucketOwner: value.accountId }
          const acl = toAcl(accounts, requested, owners)
          refusePublic(request, value, acl)
          return acl
        })
      : await acls.read(request.call, target)
    request.notes.versionId = facts.versionId
    return { status: 200, headers: { 'x-amz-version-id': facts.versionId } }
  },
}

const actionOn = ({ query }: S3Request, verb: 'Get' | 'Put') =>
  query.has('versionId') ? `s3:${verb}ObjectVersionAcl` : `s3:${verb}ObjectAcl`
