import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'

/** S3 gives no torrents any more, whatever the key. */
export const getObjectTorrent: Operation = {
  name: 'GetObjectTorrent',
  method: 'GET',
  target: 'object',
  query: { torrent: undefined },
  action: 's3:GetObjectTorrent',
  audit: 'data',
  readOnly: true,
  body: { kind: 'none' },
  limits: 'answers that there is none, as S3 does',
  async run({ buckets }, { call, bucket, method }) {
    await buckets.require(call, bucket)
    throw new S3Error('MethodNotAllowed', { fields: { Method: method, ResourceType: 'TORRENT' } })
  },
}
