import type { AccessNeed } from '../../access-need.ts'
import { asksToBypass, requireBypassable } from '../../object-lock.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { bypassNeeds } from './object-lock.ts'

/** To remove a version for good is an action of its own, and so is to pass over governance mode for it. */
export function deleteNeeds(
  { bucket, headers }: S3Request,
  objectKey: string,
  versionId: string | undefined,
): AccessNeed[] {
  if (versionId === undefined) return [{ action: 's3:DeleteObject', bucket, objectKey }]
  const version = { bucket, objectKey, versionId }
  return [{ ...version, action: 's3:DeleteObjectVersion' }, ...bypassNeeds(headers, version)]
}

export const deleteObject: Operation = {
  name: 'DeleteObject',
  method: 'DELETE',
  target: 'object',
  action: 's3:DeleteObject',
  access: (request) => deleteNeeds(request, request.objectKey, request.query.get('versionId')),
  audit: 'data',
  readOnly: false,
  body: { kind: 'none' },
  async run({ objects }, request) {
    const { bucket, objectKey, headers, query } = request
    requireBypassable(headers, request.notes.bucketRecord)
    const result = await objects.delete(request.call, {
      bucket,
      objectKey,
      versionId: query.get('versionId'),
      bypassGovernance: asksToBypass(headers),
    })
    request.notes.versionId = result.versionId
    return {
      status: 204,
      headers: {
        'x-amz-version-id': result.versionId,
        'x-amz-delete-marker': result.deleteMarker ? 'true' : undefined,
      },
    }
  },
}
