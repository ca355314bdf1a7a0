/** A bucket's ACL. */
import { aclsSpeak } from '../../../objects/ownership.ts'
import { privateAcl } from '../../../policy/acl.ts'
import { aclDocument, toAcl } from '../../acl.ts'
import type { Operation } from '../../operation.ts'
import { refusePublic, requestedAcl, takes } from '../../requested-access.ts'

const base = { target: 'bucket', query: { acl: undefined }, audit: 'management' } as const

export const getBucketAcl: Operation = {
  ...base,
  name: 'GetBucketAcl',
  method: 'GET',
  action: 's3:GetBucketAcl',
  readOnly: true,
  body: { kind: 'none' },
  async run({ accounts, buckets }, request) {
    const { value } = await buckets.require(request.call, request.bucket)
    const acl = (aclsSpeak(value) && value.acl) || privateAcl(value.accountId)
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: aclDocument(accounts, value.accountId, acl),
    }
  },
}

export const putBucketAcl: Operation = {
  ...base,
  name: 'PutBucketAcl',
  method: 'PUT',
  action: 's3:PutBucketAcl',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run(services, request) {
    const requested = await requestedAcl(services, request)
    await services.buckets.change(request.call, request.bucket, (record) => {
      if (!takes(record, requested)) return record
      const acl = toAcl(services.accounts, requested, { owner: record.accountId, bucketOwner: record.accountId })
      refusePublic(request, record, acl)
      return { ...record, acl }
    })
    return { status: 200 }
  },
}
