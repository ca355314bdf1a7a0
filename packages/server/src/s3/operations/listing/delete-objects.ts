/** DeleteObjects: up to 1,000 keys in one request, each with a result of its own. */

import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { requirePromise } from '../../checksum-headers.ts'
import { S3Error, toS3Error } from '../../errors.ts'
import { asksToBypass, requireBypassable } from '../../object-lock.ts'
import type { DeletedKey, Operation } from '../../operation.ts'
import { childrenNamed, childText, readXml } from '../../xml-reader.ts'
import { deleteNeeds } from '../objects/delete-object.ts'

const MAX_ENTRIES = 1000
/** Deletions under way at a time: enough to share group commits, few enough to leave room for others. */
const AT_ONCE = 32

export const deleteObjects: Operation = {
  name: 'DeleteObjects',
  method: 'POST',
  target: 'bucket',
  query: { delete: undefined },
  action: 's3:DeleteObject',
  audit: 'data',
  readOnly: false,
  // Which keys they are stands in the body; each is asked for by itself.
  access: () => [],
  body: { kind: 'document', maxBytes: 2 * 1024 * 1024 },
  async run({ buckets, objects }, request) {
    requirePromise(request.headers)
    const root = readXml(await request.document())
    const entries = childrenNamed(root, 'Object').map((entry) => ({
      objectKey: childText(entry, 'Key') ?? '',
      versionId: childText(entry, 'VersionId'),
    }))
    if (
      root.name !== 'Delete' ||
      entries.length === 0 ||
      entries.length > MAX_ENTRIES ||
      entries.some((e) => e.objectKey === '')
    ) {
      throw new S3Error('MalformedXML')
    }
    request.notes.bucketRecord = await buckets.find(request.bucket)
    requireBypassable(request.headers, request.notes.bucketRecord)
    const bypassGovernance = asksToBypass(request.headers)
    const deleted: DeletedKey[] = []
    if (request.notes.bucketRecord.logging) request.notes.deleted = deleted
    const quiet = childText(root, 'Quiet') === 'true'
    const rows: XmlPiece[] = []
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const batch = entries.slice(at, at + AT_ONCE).map(async ({ objectKey, versionId }, i) => {
        const named = [element('Key', objectKey), element('VersionId', versionId)]
        try {
          const { bucket } = request
          for (const need of deleteNeeds(request, objectKey, versionId)) await request.authorize(need)
          const result = await objects.delete(request.call, { bucket, objectKey, versionId, bypassGovernance })
          deleted[at + i] = { objectKey, versionId: result.versionId, status: 204, errorCode: undefined }
          if (quiet) return undefined
          return element('Deleted', [
            ...named,
            element('DeleteMarker', result.deleteMarker ? true : undefined),
            element('DeleteMarkerVersionId', result.deleteMarker ? result.versionId : undefined),
          ])
        } catch (error) {
          const { code, message, status } = toS3Error(error)
          deleted[at + i] = { objectKey, versionId, status, errorCode: code }
          return element('Error', [...named, element('Code', code), element('Message', message)])
        }
      })
      for (const row of await Promise.all(batch)) if (row) rows.push(row)
    }
    return { status: 200, headers: { 'content-type': 'application/xml' }, body: document('DeleteResult', rows) }
  },
}
