/** What PutObject and PostObject have in common: one body becomes one object. */
import type { Conditions, PutResult, Tags } from '../../../objects/types.ts'
import { checksumHeaders } from '../../checksum-headers.ts'
import { protectionHeaders, requestedProtection } from '../../encryption-headers.ts'
import { storedHeaders, userMetadata } from '../../object-headers.ts'
import { lockOfWrite, requireSafeLock } from '../../object-lock.ts'
import type { S3Request } from '../../operation.ts'
import { requestedAccess } from '../../requested-access.ts'
import type { S3Services } from '../../services.ts'

/** The result, and the headers that tell of it. */
export async function writeObject(
  services: S3Services,
  request: S3Request,
  { tags, conditions }: { readonly tags: Tags; readonly conditions: Conditions },
): Promise<{ readonly result: PutResult; readonly headers: Record<string, string | undefined> }> {
  const { headers, call, bucket, objectKey } = request
  const lock = lockOfWrite(request)
  requireSafeLock(request, lock)
  const protection = requestedProtection(headers, call.secureTransport)
  const customerKey = protection.kind === 'SSE-C' ? protection.customerKey : undefined
  try {
    const result = await services.objects.put(call, {
      bucket,
      objectKey,
      body: request.body(),
      headers: storedHeaders(headers),
      userMetadata: userMetadata(request.rawHeaders),
      tags,
      lock,
      access: requestedAccess(services, request),
      protection,
      conditions,
    })
    Object.assign(request.notes, {
      versionId: result.versionId,
      encryption: result.protection.method,
      kmsKeyArn: result.protection.kmsKeyArn,
      bytesIn: result.plaintextSize,
      objectSize: result.plaintextSize,
    })
    return {
      result,
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
}
