import { document, element } from '../../../protocols/xml-writer.ts'
import type { AccessNeed } from '../../authorize.ts'
import { checksumElements, readChecksumAlgorithm } from '../../checksum-headers.ts'
import { readCopySource } from '../../copy-source.ts'
import { customerKeyOfCopySource, protectionHeaders, requestedProtection } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { conditions, storedHeaders, userMetadata } from '../../object-headers.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { readNeed } from './get-object.ts'
import { refuseUnsupportedHeaders } from './unsupported-headers.ts'

/** The source is read as by a GET, the target written as by a PUT. */
export function copyNeeds({ bucket, objectKey, headers }: S3Request): AccessNeed[] {
  const source = readCopySource(String(headers['x-amz-copy-source']))
  return [readNeed(source.bucket, source.objectKey, source.versionId), { action: 's3:PutObject', bucket, objectKey }]
}

export const copyObject: Operation = {
  name: 'CopyObject',
  method: 'PUT',
  target: 'object',
  header: 'x-amz-copy-source',
  action: 's3:PutObject',
  access: copyNeeds,
  audit: 'data',
  readOnly: false,
  body: { kind: 'none' },
  async run({ objects }, request) {
    const { headers, call } = request
    refuseUnsupportedHeaders(headers)
    const directive = headers['x-amz-metadata-directive'] ?? 'COPY'
    if (directive !== 'COPY' && directive !== 'REPLACE') {
      throw new S3Error('InvalidArgument', {
        message: 'Unknown metadata directive.',
        fields: { ArgumentName: 'x-amz-metadata-directive', ArgumentValue: String(directive) },
      })
    }
    const protection = requestedProtection(headers, call.secureTransport)
    const customerKey = protection.kind === 'SSE-C' ? protection.customerKey : undefined
    const sourceKey = customerKeyOfCopySource(headers, call.secureTransport)
    const stored = storedHeaders(headers)
    try {
      const result = await objects.copy(call, {
        bucket: request.bucket,
        objectKey: request.objectKey,
        source: {
          ...readCopySource(String(headers['x-amz-copy-source'])),
          conditions: conditions(headers, 'x-amz-copy-source-'),
          customerKey: sourceKey,
        },
        metadata: directive === 'COPY' ? 'COPY' : { headers: stored, userMetadata: userMetadata(request.rawHeaders) },
        storageClass: stored['x-amz-storage-class'],
        protection,
        checksumAlgorithm: readChecksumAlgorithm(headers),
        conditions: conditions(headers),
      })
      Object.assign(request.notes, {
        versionId: result.versionId,
        encryption: result.protection.method,
        kmsKeyArn: result.protection.kmsKeyArn,
      })
      return {
        status: 200,
        headers: {
          'content-type': 'application/xml',
          'x-amz-version-id': result.versionId,
          'x-amz-copy-source-version-id': result.sourceVersionId,
          ...protectionHeaders(result.protection, customerKey, true),
        },
        body: document('CopyObjectResult', [
          element('LastModified', new Date(result.lastModifiedMs).toISOString()),
          element('ETag', `"${result.etag}"`),
          ...checksumElements(result.checksum),
        ]),
      }
    } finally {
      customerKey?.key.wipe()
      sourceKey?.key.wipe()
    }
  },
}
