import { checksumHeaders } from '../../checksum-headers.ts'
import { protectionHeaders, requestedProtection } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { conditions, storedHeaders, userMetadata } from '../../object-headers.ts'
import type { Operation } from '../../operation.ts'
import { requestedAccess, writeNeeds } from '../../requested-access.ts'
import { tagsOfWrite } from '../../tags.ts'
import { refuseUnsupportedHeaders } from './unsupported-headers.ts'

export const putObject: Operation = {
  name: 'PutObject',
  method: 'PUT',
  target: 'object',
  action: 's3:PutObject',
  access: (request) => writeNeeds(request, tagsOfWrite(request)),
  audit: 'data',
  readOnly: false,
  body: { kind: 'stream' },
  async run(services, request) {
    const { headers, call, notes } = request
    refuseUnsupportedHeaders(headers)
    // Half of what names a part must not become an object.
    for (const name of ['uploadId', 'partNumber']) {
      if (request.query.has(name)) {
        const message = `This operation does not accept ${name} alone; a part is named by uploadId and partNumber.`
        throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: name } })
      }
    }
    const protection = requestedProtection(headers, call.secureTransport)
    const customerKey = protection.kind === 'SSE-C' ? protection.customerKey : undefined
    try {
      const result = await services.objects.put(call, {
        bucket: request.bucket,
        objectKey: request.objectKey,
        body: request.body(),
        headers: storedHeaders(headers),
        userMetadata: userMetadata(request.rawHeaders),
        tags: tagsOfWrite(request),
        access: requestedAccess(services, request),
        protection,
        conditions: conditions(headers),
      })
      Object.assign(notes, {
        versionId: result.versionId,
        encryption: result.protection.method,
        kmsKeyArn: result.protection.kmsKeyArn,
        bytesIn: result.plaintextSize,
      })
      return {
        status: 200,
        headers: {
          etag: `"${result.etag}"`,
          'x-amz-version-id': result.versionId,
          ...protectionHeaders(result.protection, customerKey, true),
          ...checksumHeaders(result.checksum),
        },
      }
    } finally {
      customerKey?.key.wipe()
    }
  },
}
