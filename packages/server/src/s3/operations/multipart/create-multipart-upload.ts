/** CreateMultipartUpload, and AbortMultipartUpload which undoes it. */

import { document, element } from '../../../protocols/xml-writer.ts'
import { readUploadChecksum } from '../../checksum-headers.ts'
import { protectionHeaders, requestedProtection } from '../../encryption-headers.ts'
import { storedHeaders, userMetadata } from '../../object-headers.ts'
import { lockOfWrite } from '../../object-lock.ts'
import type { Operation } from '../../operation.ts'
import { requestedAccess, writeNeeds } from '../../requested-access.ts'
import { tagsOfWrite } from '../../tags.ts'
import { refuseUnsupportedHeaders } from '../objects/unsupported-headers.ts'

export const createMultipartUpload: Operation = {
  name: 'CreateMultipartUpload',
  method: 'POST',
  target: 'object',
  query: { uploads: undefined },
  action: 's3:PutObject',
  access: (request) => writeNeeds(request, tagsOfWrite(request)),
  audit: 'data',
  readOnly: false,
  body: { kind: 'none' },
  async run(services, request) {
    const { bucket, objectKey, headers, call, notes } = request
    refuseUnsupportedHeaders(headers)
    const checksum = readUploadChecksum(headers)
    const protection = requestedProtection(headers, call.secureTransport)
    const customerKey = protection.kind === 'SSE-C' ? protection.customerKey : undefined
    try {
      const result = await services.multipart.create(call, {
        bucket,
        objectKey,
        headers: storedHeaders(headers),
        userMetadata: userMetadata(request.rawHeaders),
        tags: tagsOfWrite(request),
        lock: lockOfWrite(request),
        access: requestedAccess(services, request),
        protection,
        checksum,
      })
      Object.assign(notes, { encryption: result.protection.method, kmsKeyArn: result.protection.kmsKeyArn })
      return {
        status: 200,
        headers: {
          'content-type': 'application/xml',
          ...protectionHeaders(result.protection, customerKey, true),
          ...(checksum.declared && {
            'x-amz-checksum-algorithm': checksum.algorithm,
            'x-amz-checksum-type': checksum.type,
          }),
        },
        body: document('InitiateMultipartUploadResult', [
          element('Bucket', bucket),
          element('Key', objectKey),
          element('UploadId', result.uploadId),
        ]),
      }
    } finally {
      customerKey?.key.wipe()
    }
  },
}

export const abortMultipartUpload: Operation = {
  name: 'AbortMultipartUpload',
  method: 'DELETE',
  target: 'object',
  query: { uploadId: undefined },
  action: 's3:AbortMultipartUpload',
  audit: 'data',
  readOnly: false,
  body: { kind: 'none' },
  async run({ multipart }, { bucket, objectKey, query, call }) {
    await multipart.abort(call, { bucket, objectKey, uploadId: query.get('uploadId')! })
    return { status: 204 }
  },
}
