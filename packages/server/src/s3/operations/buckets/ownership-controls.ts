/** Who owns what others write, and whether ACLs speak at all. */
import { type BucketRecord, OBJECT_OWNERSHIPS, type ObjectOwnership } from '../../../objects/records.ts'
import type { Grant } from '../../../policy/acl.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childText, onlyChild, readXml } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { ownershipControls: undefined }, audit: 'management' } as const

export const getBucketOwnershipControls: Operation = {
  ...base,
  name: 'GetBucketOwnershipControls',
  method: 'GET',
  action: 's3:GetBucketOwnershipControls',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const { objectOwnership } = (await buckets.require(request.call, request.bucket)).value
    if (!objectOwnership)
      throw new S3Error('OwnershipControlsNotFoundError', { fields: { BucketName: request.bucket } })
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: document('OwnershipControls', [element('Rule', [element('ObjectOwnership', objectOwnership)])]),
    }
  },
}

export const putBucketOwnershipControls: Operation = {
  ...base,
  name: 'PutBucketOwnershipControls',
  method: 'PUT',
  action: 's3:PutBucketOwnershipControls',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    const root = readXml(await request.document())
    const rule = onlyChild(root, 'Rule')
    const objectOwnership = rule && asObjectOwnership(childText(rule, 'ObjectOwnership'))
    if (root.name !== 'OwnershipControls' || !objectOwnership) throw new S3Error('MalformedXML')
    await buckets.change(request.call, request.bucket, (record) => {
      if (objectOwnership === 'BucketOwnerEnforced' && record.acl?.some((grant) => isToOthers(grant, record))) {
        throw new S3Error('InvalidBucketAclWithObjectOwnership')
      }
      return { ...record, objectOwnership }
    })
    return { status: 200 }
  },
}

export const deleteBucketOwnershipControls: Operation = {
  ...base,
  name: 'DeleteBucketOwnershipControls',
  method: 'DELETE',
  action: 's3:PutBucketOwnershipControls',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    await buckets.change(request.call, request.bucket, ({ objectOwnership: _, ...record }) => record)
    return { status: 204 }
  },
}

const isToOthers = ({ grantee }: Grant, { accountId }: BucketRecord) =>
  !('accountId' in grantee) || grantee.accountId !== accountId

export const asObjectOwnership = (text: string | undefined): ObjectOwnership | undefined =>
  OBJECT_OWNERSHIPS.find((one) => one === text)
