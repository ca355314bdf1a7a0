/** What of the S3 API this server refuses, by name: method, target, what tells it from others, and AWS's name. */
import type { Operation } from '../operation.ts'

type Row = readonly [
  method: Operation['method'],
  target: Operation['target'],
  query: string,
  name: string,
  header?: string,
]

/** In the query column `a&b=c` means that `a` must be present and `b` equal `c`. */
const ROWS: readonly Row[] = [
  ['PUT', 'object', 'renameObject', 'RenameObject'],
  ['POST', 'object', 'restore', 'RestoreObject'],
  ['POST', 'object', 'select&select-type=2', 'SelectObjectContent'],
  ...crud('object', 'annotation', 'ObjectAnnotation', ['PUT', 'DELETE']),
  ['GET', 'bucket', 'session', 'CreateSession'],
  ['PUT', 'bucket', 'lifecycle', 'PutBucketLifecycleConfiguration'],
  ['PUT', 'bucket', 'replication', 'PutBucketReplication'],
  ['PUT', 'bucket', 'website', 'PutBucketWebsite'],
  ['PUT', 'bucket', 'analytics', 'PutBucketAnalyticsConfiguration'],
  ['PUT', 'bucket', 'inventory', 'PutBucketInventoryConfiguration'],
  ['PUT', 'bucket', 'intelligent-tiering', 'PutBucketIntelligentTieringConfiguration'],
  ['PUT', 'bucket', 'abac', 'PutBucketAbac'],
  ['POST', 'bucket', 'metadataConfiguration', 'CreateBucketMetadataConfiguration'],
  ['POST', 'bucket', 'metadataTable', 'CreateBucketMetadataTableConfiguration'],
  ['PUT', 'bucket', 'metadataAnnotationTable', 'UpdateBucketMetadataAnnotationTableConfiguration'],
  ['PUT', 'bucket', 'metadataInventoryTable', 'UpdateBucketMetadataInventoryTableConfiguration'],
  ['PUT', 'bucket', 'metadataJournalTable', 'UpdateBucketMetadataJournalTableConfiguration'],
  ['POST', 'object', '', 'WriteGetObjectResponse', 'x-amz-request-route'],
]

function crud(
  target: Operation['target'],
  query: string,
  noun: string,
  methods: readonly Operation['method'][],
): Row[] {
  const verbs = { GET: 'Get', PUT: 'Put', DELETE: 'Delete', HEAD: 'Head', POST: 'Post', OPTIONS: 'Options' }
  return methods.map((method) => [method, target, query, `${verbs[method]}${noun}`] as const)
}

export const refusedOperations: readonly Operation[] = ROWS.map(([method, target, query, name, header]) => ({
  name,
  method,
  target,
  ...(query !== '' && {
    query: Object.fromEntries(
      query
        .split('&')
        .map((part) => part.split('=') as [string, string | undefined])
        .map(([key, value]) => [key, value]),
    ),
  }),
  ...(header !== undefined && { header }),
  action: `s3:${name}`,
  audit: target === 'object' ? 'data' : 'management',
  readOnly: method === 'GET',
  body: { kind: 'none' },
}))
