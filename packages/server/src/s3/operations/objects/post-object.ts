/** PostObject: what a browser uploads by a form (AWS S3 API reference, "POST Object"). */
import type { PutResult, Tags } from '../../../objects/types.ts'
import { bareDocument, element } from '../../../protocols/xml-writer.ts'
import { checksumHeaders } from '../../checksum-headers.ts'
import { protectionHeaders, requestedProtection } from '../../encryption-headers.ts'
import { locationOf } from '../../location.ts'
import { storedHeaders, userMetadata } from '../../object-headers.ts'
import type { Operation, S3Reply, S3Request } from '../../operation.ts'
import { requestedAccess, writeNeeds } from '../../requested-access.ts'
import { OBJECT_TAGS, readTagging, tagsOfHeader } from '../../tags.ts'
import { refuseUnsupportedHeaders } from './unsupported-headers.ts'

export const postObject: Operation = {
  name: 'PostObject',
  method: 'POST',
  target: 'bucket',
  authenticatedBy: 'form',
  action: 's3:PutObject',
  access: (request) => writeNeeds(request, tagsOf(request)),
  audit: 'data',
  readOnly: false,
  body: { kind: 'stream' },
  async run(services, request) {
    const { headers, call } = request
    refuseUnsupportedHeaders(headers)
    const protection = requestedProtection(headers, call.secureTransport)
    const customerKey = protection.kind === 'SSE-C' ? protection.customerKey : undefined
    try {
      const result = await services.objects.put(call, {
        bucket: request.bucket,
        objectKey: request.objectKey,
        body: request.body(),
        headers: storedHeaders(headers),
        userMetadata: userMetadata(request.rawHeaders),
        tags: tagsOf(request),
        access: requestedAccess(services, request),
        protection,
        conditions: {},
      })
      Object.assign(request.notes, {
        versionId: result.versionId,
        encryption: result.protection.method,
        kmsKeyArn: result.protection.kmsKeyArn,
        bytesIn: result.plaintextSize,
      })
      const { status, headers: own, body } = reply(request, result)
      return {
        status,
        headers: {
          etag: `"${result.etag}"`,
          'x-amz-version-id': result.versionId,
          ...protectionHeaders(result.protection, customerKey, true),
          ...checksumHeaders(result.checksum),
          ...own,
        },
        ...(body !== undefined && { body }),
      }
    } finally {
      customerKey?.key.wipe()
    }
  },
}

/** A form writes its tags as a document; the header's own spelling is taken, too. */
function tagsOf({ headers }: S3Request): Tags {
  const { tagging } = headers
  return tagging === undefined
    ? tagsOfHeader(headers)
    : readTagging(Buffer.from(String(tagging), 'latin1'), OBJECT_TAGS)
}

/** Whatever form of answer the form asks for; one that cannot be is as if it had not been asked for. */
function reply(request: S3Request, { etag }: PutResult): S3Reply {
  const { bucket, objectKey, headers } = request
  const redirect = readRedirect(headers.success_action_redirect ?? headers.redirect)
  if (redirect) {
    const told = new URLSearchParams({ bucket, key: objectKey, etag: `"${etag}"` })
    redirect.search = redirect.search === '' ? `?${told}` : `${redirect.search}&${told}`
    return { status: 303, headers: { location: redirect.href } }
  }
  const location = locationOf(request)
  const wanted = headers.success_action_status
  if (wanted === '200') return { status: 200, headers: { location } }
  if (wanted !== '201') return { status: 204, headers: { location } }
  return {
    status: 201,
    headers: { location, 'content-type': 'application/xml' },
    body: bareDocument('PostResponse', [
      element('Location', location),
      element('Bucket', bucket),
      element('Key', objectKey),
      element('ETag', `"${etag}"`),
    ]),
  }
}

function readRedirect(field: string | string[] | undefined): URL | undefined {
  const text = Buffer.from(String(field ?? ''), 'latin1').toString()
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
}
