/** Who is told of a bucket's events: nobody. */
import { document } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import { notImplemented } from '../../not-implemented.ts'
import type { Operation } from '../../operation.ts'
import { readXml } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { notification: undefined }, audit: 'management' } as const
const TOLD = new Set([
  'TopicConfiguration',
  'QueueConfiguration',
  'CloudFunctionConfiguration',
  'EventBridgeConfiguration',
])

export const getBucketNotificationConfiguration: Operation = {
  ...base,
  name: 'GetBucketNotificationConfiguration',
  method: 'GET',
  action: 's3:GetBucketNotification',
  readOnly: true,
  body: { kind: 'none' },
  limits: 'answers that there is none',
  async run({ buckets }, { call, bucket }) {
    await buckets.require(call, bucket)
    const body = document('NotificationConfiguration', [])
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  },
}

export const putBucketNotificationConfiguration: Operation = {
  ...base,
  name: 'PutBucketNotificationConfiguration',
  method: 'PUT',
  action: 's3:PutBucketNotification',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  limits: 'only an empty one',
  async run({ buckets }, request) {
    const root = readXml(await request.document())
    if (root.name !== 'NotificationConfiguration' || root.children.some(({ name }) => !TOLD.has(name))) {
      throw new S3Error('MalformedXML')
    }
    const [told] = root.children
    if (told) throw notImplemented(request.operation.name, told.name)
    await buckets.require(request.call, request.bucket)
    return { status: 200 }
  },
}
