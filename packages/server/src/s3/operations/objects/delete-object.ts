import type { Operation } from '../../operation.ts'

export const deleteObject: Operation = {
  name: 'DeleteObject',
  method: 'DELETE',
  target: 'object',
  action: 's3:DeleteObject',
  audit: 'data',
  readOnly: false,
  body: { kind: 'none' },
  async run({ objects }, request) {
    const { bucket, objectKey } = request
    const result = await objects.delete(request.call, { bucket, objectKey, versionId: request.query.get('versionId') })
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
