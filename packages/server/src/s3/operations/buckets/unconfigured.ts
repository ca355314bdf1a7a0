/**
 * Configurations that no bucket has here: to read one and to remove one is answered as S3 answers for a bucket where nobody
 * has made it, since clients such as Terraform ask every bucket for all of them. To put one is refused by name.
 */
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error, type S3ErrorCode } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { readConfigurationId } from './configuration-id.ts'

const base = {
  target: 'bucket',
  audit: 'management',
  body: { kind: 'none' },
  limits: 'answers that there is none',
} as const

interface Row {
  readonly query: string
  readonly get: readonly [name: string, action: string]
  readonly remove: readonly [name: string, action: string]
  readonly code: S3ErrorCode
  /** What a removal is answered with; absent: it is done. */
  readonly removeCode?: S3ErrorCode
}

const ROWS: readonly Row[] = [
  {
    query: 'lifecycle',
    get: ['GetBucketLifecycleConfiguration', 's3:GetLifecycleConfiguration'],
    remove: ['DeleteBucketLifecycle', 's3:PutLifecycleConfiguration'],
    code: 'NoSuchLifecycleConfiguration',
  },
  {
    query: 'replication',
    get: ['GetBucketReplication', 's3:GetReplicationConfiguration'],
    remove: ['DeleteBucketReplication', 's3:PutReplicationConfiguration'],
    code: 'ReplicationConfigurationNotFoundError',
  },
  {
    query: 'website',
    get: ['GetBucketWebsite', 's3:GetBucketWebsite'],
    remove: ['DeleteBucketWebsite', 's3:DeleteBucketWebsite'],
    code: 'NoSuchWebsiteConfiguration',
  },
  {
    query: 'metadataConfiguration',
    get: ['GetBucketMetadataConfiguration', 's3:GetBucketMetadataTableConfiguration'],
    remove: ['DeleteBucketMetadataConfiguration', 's3:DeleteBucketMetadataTableConfiguration'],
    code: 'MetadataConfigurationNotFound',
    removeCode: 'MetadataConfigurationNotFound',
  },
]

/** Of these a bucket can have several, each by an id. */
const ROWS_BY_ID = [
  ['analytics', 'Analytics', 'ListBucketAnalyticsConfigurationsResult'],
  ['intelligent-tiering', 'IntelligentTiering', 'ListIntelligentTieringConfigurationsResult'],
  ['inventory', 'Inventory', 'ListInventoryConfigurationsResult'],
] as const

const single = ({ query, get, remove, code, removeCode }: Row): Operation[] => {
  const absent = (one: S3ErrorCode, bucket: string) => new S3Error(one, { fields: { BucketName: bucket } })
  return [
    {
      ...base,
      name: get[0],
      method: 'GET',
      query: { [query]: undefined },
      action: get[1],
      readOnly: true,
      async run({ buckets }, { call, bucket }) {
        await buckets.require(call, bucket)
        throw absent(code, bucket)
      },
    },
    {
      ...base,
      name: remove[0],
      method: 'DELETE',
      query: { [query]: undefined },
      action: remove[1],
      readOnly: false,
      async run({ buckets }, { call, bucket }) {
        await buckets.require(call, bucket)
        if (removeCode) throw absent(removeCode, bucket)
        return { status: 204 }
      },
    },
  ]
}

const byId = ([query, kind, listRoot]: (typeof ROWS_BY_ID)[number]): Operation[] => {
  const one: Pick<Operation, 'run'> = {
    async run({ buckets }, request) {
      readConfigurationId(request)
      await buckets.require(request.call, request.bucket)
      throw new S3Error('NoSuchConfiguration')
    },
  }
  const reading = { ...base, method: 'GET', action: `s3:Get${kind}Configuration`, readOnly: true } as const
  return [
    { ...reading, name: `GetBucket${kind}Configuration`, query: { [query]: undefined, id: undefined }, ...one },
    {
      ...reading,
      name: `ListBucket${kind}Configurations`,
      query: { [query]: undefined },
      async run({ buckets }, { call, bucket }) {
        await buckets.require(call, bucket)
        return {
          status: 200,
          headers: { 'content-type': 'application/xml' },
          body: document(listRoot, [element('IsTruncated', false)]),
        }
      },
    },
    {
      ...base,
      name: `DeleteBucket${kind}Configuration`,
      method: 'DELETE',
      query: { [query]: undefined },
      action: `s3:Put${kind}Configuration`,
      readOnly: false,
      ...one,
    },
  ]
}

/** The first version of metadata configurations, which S3 keeps from accounts that never had one. */
const firstVersion = ({ method, name, readOnly }: Pick<Operation, 'method' | 'name' | 'readOnly'>): Operation => ({
  ...base,
  name,
  method,
  readOnly,
  query: { metadataTable: undefined },
  action: `s3:${name}`,
  async run({ buckets }, { call, bucket }) {
    await buckets.require(call, bucket)
    const second = name.replace('MetadataTable', 'Metadata')
    const message = `The V1 ${name} API operation isn't available for this account. Use the corresponding V2 ${second} API operation instead.`
    throw new S3Error('V1APIsNotAllowed', { message, fields: { Method: method } })
  },
})

export const unconfiguredOperations: readonly Operation[] = [
  ...ROWS.flatMap(single),
  ...ROWS_BY_ID.flatMap(byId),
  firstVersion({ name: 'GetBucketMetadataTableConfiguration', method: 'GET', readOnly: true }),
  firstVersion({ name: 'DeleteBucketMetadataTableConfiguration', method: 'DELETE', readOnly: false }),
]
