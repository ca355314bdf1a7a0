/** By what events are looked up, as rows (CloudTrail API reference, LookupAttribute), and what besides. */
import type { CloudTrailRecord } from './cloudtrail-record.ts'

/** `All` has the value ''. `KeyUse`: uses of a KMS key, by its ARN; ours. */
export const LOOKUP_ATTRIBUTES = [
  'AccessKeyId',
  'EventName',
  'EventSource',
  'ReadOnly',
  'ResourceName',
  'ResourceType',
  'Username',
  'All',
  'KeyUse',
] as const
export type LookupAttribute = (typeof LOOKUP_ATTRIBUTES)[number]

/** Under what a record is found. */
export function* attributesOf(
  record: CloudTrailRecord,
  journal: 'management' | 'data',
  isKeyUse: boolean,
): Iterable<readonly [LookupAttribute, string]> {
  if (isKeyUse) for (const arn of keysOf(record)) yield ['KeyUse', arn]
  if (journal !== 'management') return
  yield ['All', '']
  yield ['EventName', record.eventName]
  yield ['EventSource', record.eventSource]
  yield ['ReadOnly', String(record.readOnly)]
  const { accessKeyId } = record.userIdentity
  if (accessKeyId !== undefined) yield ['AccessKeyId', accessKeyId]
  const userName = userNameOf(record)
  if (userName !== undefined) yield ['Username', userName]
  const resources = resourcesOf(record)
  for (const type of new Set(resources.map(({ ResourceType }) => ResourceType))) yield ['ResourceType', type]
  const names = resources.flatMap(({ ResourceName }) => [ResourceName, ...shortNames(ResourceName)])
  for (const name of new Set(names)) yield ['ResourceName', name]
}

/** As LookupEvents tells of it: the user's name, of a session its own, of a root user `root`. */
export function userNameOf({ userIdentity }: CloudTrailRecord): string | undefined {
  const { type, userName, principalId } = userIdentity
  if (type === 'Root') return 'root'
  if (type === 'AssumedRole' || type === 'FederatedUser') return principalId?.slice(principalId.indexOf(':') + 1)
  return userName
}

/** Buckets go by their names there, all else by ARN. */
export const resourcesOf = ({ resources = [] }: CloudTrailRecord) =>
  resources.map(({ type, ARN }) => ({
    ResourceType: type,
    ResourceName: type === 'AWS::S3::Bucket' ? ARN.slice('arn:aws:s3:::'.length) : ARN,
  }))

/** What people know a thing by, beside its ARN: a key's id, an alias, the name of a user, a role or a trail. */
function shortNames(name: string): string[] {
  if (!name.startsWith('arn:')) return []
  const resource = name.split(':').slice(5).join(':')
  return resource.startsWith('alias/') ? [resource] : [resource.slice(resource.lastIndexOf('/') + 1)]
}

function keysOf({ eventSource, resources = [], additionalEventData }: CloudTrailRecord): readonly string[] {
  if (eventSource === 'kms.amazonaws.com') {
    return resources.filter(({ type }) => type === 'AWS::KMS::Key').map(({ ARN }) => ARN)
  }
  const arn = additionalEventData?.kmsKeyArn
  return typeof arn === 'string' ? [arn] : []
}
