/** From an ARN to what policies have to do with it: whose it is, and which policy it has. */
import { keyPolicy } from '../keys/key-policy.ts'
import type { KeyRegions } from '../keys/key-regions.ts'
import { keyName, kmsKeyRecord } from '../keys/kms-records.ts'
import type { ObjectAcls } from '../objects/object-acls.ts'
import { aclsSpeak } from '../objects/ownership.ts'
import { bucketRecord, names } from '../objects/records.ts'
import { bucketSide, objectSide } from '../objects/resource-side.ts'
import type { Access } from '../policy/access.ts'
import { OBJECT_ACL_ACTIONS } from '../policy/acl.ts'
import type { Principal } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'

export type Resource = Pick<Access, 'resource' | 'resourceAccount' | 'resourcePolicy' | 'resourceMustAllow'>

const BUCKET = /^arn:aws:s3:::([^/*?]+)(?:\/(.*))?$/s
const KMS_KEY = /^arn:aws:kms:([^:]*):(\d{12}):key\/(.+)$/

/** Account of what the ARN names; undefined where it is nobody's in particular, or not here. */
export async function ownerOf(records: RecordStore, arn: string): Promise<string | undefined> {
  const bucket = BUCKET.exec(arn)?.[1]
  if (bucket !== undefined) return (await records.get(bucketRecord, names.bucket(bucket)))?.value.accountId
  return /^arn:aws:[^:]*:[^:]*:(\d{12}):/.exec(arn)?.[1]
}

export interface ResourceSources {
  readonly records: RecordStore
  readonly keyRegions: KeyRegions
  readonly acls: ObjectAcls
}

/** Undefined where there is no such bucket or key. What has no policy of its own is of the principal's account. */
export async function findResource(
  { records, keyRegions, acls }: ResourceSources,
  principal: Principal,
  action: string,
  arn: string,
): Promise<Resource | undefined> {
  const [, bucket, objectKey] = BUCKET.exec(arn) ?? []
  if (bucket !== undefined) {
    const record = (await records.get(bucketRecord, names.bucket(bucket)))?.value
    if (!record) return undefined
    const side =
      objectKey && OBJECT_ACL_ACTIONS.has(action) && aclsSpeak(record)
        ? objectSide(principal, record, bucket, (await acls.find(record, objectKey, undefined)) ?? {})
        : bucketSide(principal, record, bucket)
    return { resource: arn, resourceAccount: side.accountId, resourcePolicy: side.policy }
  }
  const [, region, accountId, keyId] = KMS_KEY.exec(arn) ?? []
  if (region !== undefined && accountId !== undefined && keyId !== undefined) {
    const key = (await keyRegions.of(region).get(kmsKeyRecord, keyName(accountId, keyId)))?.value
    if (!key) return undefined
    return { resource: arn, resourceAccount: accountId, resourcePolicy: keyPolicy(key), resourceMustAllow: true }
  }
  const owner = await ownerOf(records, arn)
  return { resource: arn, resourceAccount: owner ?? principal.accountId, resourcePolicy: undefined }
}
