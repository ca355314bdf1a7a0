import type { Operation } from '../../operation.ts'

export const deleteAction = (versionId: string | undefined) =>
  versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'

export const deleteObject: Operation = {
  name: 'DeleteObject',
  method: 'DELETE',
  target: 'object',
  action: 's3:DeleteObject',
  access({ bucket, objectKey, query }) {
    const versionId = query.get('versionId')
    return [{ action: deleteAction(versionId), bucket, objectKey, versionId }]
  },
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
