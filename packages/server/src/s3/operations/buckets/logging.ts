/** Where a bucket's access logs go (AWS S3 user guide, "Enabling Amazon S3 server access logging"). */
import { isFault } from '../../../core/fault.ts'
import { aclsSpeak } from '../../../objects/ownership.ts'
import type { BucketLogging, BucketRecord, LogKeyFormat } from '../../../objects/records.ts'
import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { grantElements, readGrants } from '../../acl.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import type { S3Services } from '../../services.ts'
import { childText, onlyChild, readXml, type XmlElement } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { logging: undefined }, audit: 'management' } as const
/** So that with account, Region, bucket and time a key is still one. */
const MAX_PREFIX_BYTES = 800
const PERMISSIONS = new Set(['FULL_CONTROL', 'READ', 'WRITE'])

export const getBucketLogging: Operation = {
  ...base,
  name: 'GetBucketLogging',
  method: 'GET',
  action: 's3:GetBucketLogging',
  readOnly: true,
  body: { kind: 'none' },
  async run(services, request) {
    const { logging } = (await services.buckets.require(request.call, request.bucket)).value
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: document('BucketLoggingStatus', [element('LoggingEnabled', logging && loggingElements(services, logging))]),
    }
  },
}

export const putBucketLogging: Operation = {
  ...base,
  name: 'PutBucketLogging',
  method: 'PUT',
  action: 's3:PutBucketLogging',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run(services, request) {
    const root = readXml(await request.document())
    if (root.name !== 'BucketLoggingStatus') throw new S3Error('MalformedXML')
    const enabled = onlyChild(root, 'LoggingEnabled')
    const logging = enabled && readLogging(services, enabled)
    const target = logging && (await findTarget(services, logging))
    await services.buckets.change(request.call, request.bucket, ({ logging: _, ...record }) => {
      if (!logging || !target) return record
      requireTarget(record, logging, target)
      return { ...record, logging }
    })
    return { status: 200 }
  },
}

/** Whether it may be written to shows when logs are delivered, as at AWS: its policy may change at any time. */
async function findTarget({ buckets }: S3Services, { targetBucket }: BucketLogging): Promise<BucketRecord> {
  return buckets.find(targetBucket).catch((error: unknown) => {
    if (!isFault(error, 'BucketNotFound')) throw error
    throw new S3Error('InvalidTargetBucketForLogging', { fields: { TargetBucket: targetBucket } })
  })
}

function requireTarget(source: BucketRecord, { targetBucket, grants }: BucketLogging, target: BucketRecord): void {
  if (target.accountId !== source.accountId) {
    throw new S3Error('InvalidTargetBucketForLogging', {
      message: 'The owner for the bucket to be logged and the target bucket must be the same.',
      fields: { TargetBucket: targetBucket },
    })
  }
  if (grants && !aclsSpeak(target)) {
    throw new S3Error('AccessControlListNotSupported', {
      message: 'Target grants not allowed for bucket owner enforced buckets',
    })
  }
}

function readLogging({ accounts }: S3Services, enabled: XmlElement): BucketLogging {
  const targetBucket = childText(enabled, 'TargetBucket')
  const targetPrefix = childText(enabled, 'TargetPrefix')
  if (targetBucket === undefined || targetPrefix === undefined) throw new S3Error('MalformedXML')
  if (Buffer.byteLength(targetPrefix) > MAX_PREFIX_BYTES) {
    throw new S3Error('InvalidArgument', {
      message: `The target prefix is longer than ${MAX_PREFIX_BYTES} bytes`,
      fields: { ArgumentName: 'TargetPrefix' },
    })
  }
  const list = onlyChild(enabled, 'TargetGrants')
  const grants = list && readGrants(accounts, list)
  if (grants?.some(({ permission }) => !PERMISSIONS.has(permission))) throw new S3Error('MalformedXML')
  const format = onlyChild(enabled, 'TargetObjectKeyFormat')
  return {
    targetBucket,
    targetPrefix,
    ...(grants && grants.length > 0 && { grants }),
    ...(format && { keyFormat: readKeyFormat(format) }),
  }
}

function readKeyFormat(format: XmlElement): LogKeyFormat {
  const [only, ...more] = format.children
  if (!only || more.length > 0) throw new S3Error('MalformedXML')
  if (only.name === 'SimplePrefix') return { kind: 'SimplePrefix' }
  const dateSource = childText(only, 'PartitionDateSource') ?? 'DeliveryTime'
  if (only.name !== 'PartitionedPrefix' || (dateSource !== 'EventTime' && dateSource !== 'DeliveryTime')) {
    throw new S3Error('MalformedXML')
  }
  return { kind: 'PartitionedPrefix', dateSource }
}

function loggingElements({ accounts }: S3Services, logging: BucketLogging): XmlPiece[] {
  const { targetBucket, targetPrefix, grants, keyFormat } = logging
  return [
    element('TargetBucket', targetBucket),
    element('TargetPrefix', targetPrefix),
    element('TargetGrants', grants && grantElements(accounts, grants)),
    element('TargetObjectKeyFormat', keyFormat && [keyFormatElement(keyFormat)]),
  ]
}

const keyFormatElement = (format: LogKeyFormat): XmlPiece =>
  format.kind === 'SimplePrefix'
    ? element('SimplePrefix', [])
    : element('PartitionedPrefix', [element('PartitionDateSource', format.dateSource)])
