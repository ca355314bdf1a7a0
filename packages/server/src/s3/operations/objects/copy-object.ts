import type { Tags } from '../../../objects/types.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import type { AccessNeed } from '../../access-need.ts'
import { checksumElements, readChecksumAlgorithm } from '../../checksum-headers.ts'
import { readCopySource } from '../../copy-source.ts'
import { customerKeyOfCopySource, protectionHeaders, requestedProtection } from '../../encryption-headers.ts'
import { S3Error } from '../../errors.ts'
import { conditions, storedHeaders, userMetadata } from '../../object-headers.ts'
import { lockOfWrite } from '../../object-lock.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { requestedAccess, writeNeeds } from '../../requested-access.ts'
import { tagsOfHeader } from '../../tags.ts'
import { readNeed } from './get-object.ts'
import { taggingAction } from './tagging.ts'
import { refuseUnsupportedHeaders } from './unsupported-headers.ts'

/** The source is read as by a GET, the target written as by a PUT with these tags. */
export function copyNeeds(request: S3Request, tags: Tags = []): AccessNeed[] {
  const source = readCopySource(String(request.headers['x-amz-copy-source']))
  const read = readNeed(source.bucket, source.objectKey, source.versionId)
  return [{ ...read, isCopySource: true }, ...writeNeeds(request, tags)]
}

/** The tags that the request brings itself; undefined where it takes those of the source. */
function ownTags(headers: S3Request['headers']): Tags | undefined {
  return readDirective(headers, 'x-amz-tagging-directive', 'tagging') === 'REPLACE' ? tagsOfHeader(headers) : undefined
}

/** Who copies tags must be allowed to read them there and to set them here; a source without any asks for neither. */
async function takeSourceTags(request: S3Request, tags: Tags): Promise<Tags> {
  if (tags.length === 0) return tags
  const { bucket, objectKey, authorize } = request
  const source = readCopySource(String(request.headers['x-amz-copy-source']))
  await authorize({ action: taggingAction('Get', source.versionId), ...source })
  await authorize({ action: 's3:PutObjectTagging', bucket, objectKey, requestTags: tags })
  return tags
}

function readDirective(headers: S3Request['headers'], name: string, what: string): 'COPY' | 'REPLACE' {
  const directive = headers[name] ?? 'COPY'
  if (directive === 'COPY' || directive === 'REPLACE') return directive
  throw new S3Error('InvalidArgument', {
    message: `Unknown ${what} directive.`,
    fields: { ArgumentName: name, ArgumentValue: String(directive) },
  })
}

export const copyObject: Operation = {
  name: 'CopyObject',
  method: 'PUT',
  target: 'object',
  header: 'x-amz-copy-source',
  action: 's3:PutObject',
  access: (request) => copyNeeds(request, ownTags(request.headers)),
  audit: 'data',
  readOnly: false,
  body: { kind: 'none' },
  async run(services, request) {
    const { headers, call } = request
    refuseUnsupportedHeaders(headers)
    const directive = readDirective(headers, 'x-amz-metadata-directive', 'metadata')
    const own = ownTags(headers)
    const protection = requestedProtection(headers, call.secureTransport)
    const customerKey = protection.kind === 'SSE-C' ? protection.customerKey : undefined
    const sourceKey = customerKeyOfCopySource(headers, call.secureTransport)
    const stored = storedHeaders(headers)
    try {
      const result = await services.objects.copy(call, {
        bucket: request.bucket,
        objectKey: request.objectKey,
        source: {
          ...readCopySource(String(headers['x-amz-copy-source'])),
          conditions: conditions(headers, 'x-amz-copy-source-'),
          customerKey: sourceKey,
        },
        metadata: directive === 'COPY' ? 'COPY' : { headers: stored, userMetadata: userMetadata(request.rawHeaders) },
        tags: async (tags) => own ?? takeSourceTags(request, tags),
        lock: lockOfWrite(request),
        storageClass: stored['x-amz-storage-class'],
        access: requestedAccess(services, request),
        protection,
        checksumAlgorithm: readChecksumAlgorithm(headers),
        conditions: conditions(headers),
      })
      Object.assign(request.notes, {
        versionId: result.versionId,
        encryption: result.protection.method,
        kmsKeyArn: result.protection.kmsKeyArn,
        objectSize: result.plaintextSize,
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
