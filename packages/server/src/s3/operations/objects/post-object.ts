/** PostObject: what a browser uploads by a form (AWS S3 API reference, "POST Object"). */
import type { PutResult, Tags } from '../../../objects/types.ts'
import { bareDocument, element } from '../../../protocols/xml-writer.ts'
import { locationOf } from '../../location.ts'
import type { Operation, S3Reply, S3Request } from '../../operation.ts'
import { writeNeeds } from '../../requested-access.ts'
import { OBJECT_TAGS, readTagging, tagsOfHeader } from '../../tags.ts'
import { refuseUnsupportedHeaders } from './unsupported-headers.ts'
import { writeObject } from './write-object.ts'

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
    refuseUnsupportedHeaders(request.headers)
    const { result, headers } = await writeObject(services, request, { tags: tagsOf(request), conditions: {} })
    const { status, headers: own, body } = reply(request, result)
    return { status, headers: { ...headers, ...own }, ...(body !== undefined && { body }) }
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
