/** The tag set of an object's version. */
import type { ObjectFacts } from '../../../objects/types.ts'
import type { AccessNeed } from '../../access-need.ts'
import type { Operation, S3Request } from '../../operation.ts'
import { OBJECT_TAGS, readTagging, taggingDocument } from '../../tags.ts'

const base = { target: 'object', query: { tagging: undefined }, audit: 'data' } as const

/** To touch the tags of a named version is an action of its own. */
export const taggingAction = (verb: 'Get' | 'Put' | 'Delete', versionId: string | undefined) =>
  `s3:${verb}Object${versionId === undefined ? '' : 'Version'}Tagging`

function target({ bucket, objectKey, query }: S3Request) {
  return { bucket, objectKey, versionId: query.get('versionId') }
}

function need(verb: 'Get' | 'Put' | 'Delete', request: S3Request): AccessNeed {
  const { versionId } = target(request)
  return { ...target(request), action: taggingAction(verb, versionId) }
}

/** Notes the version, and says which it was. */
function versionHeader(request: S3Request, { versionId }: ObjectFacts) {
  request.notes.versionId = versionId
  return { 'x-amz-version-id': versionId }
}

export const getObjectTagging: Operation = {
  ...base,
  name: 'GetObjectTagging',
  method: 'GET',
  action: 's3:GetObjectTagging',
  access: (request) => [need('Get', request)],
  readOnly: true,
  body: { kind: 'none' },
  async run({ tagging }, request) {
    const facts = await tagging.read(request.call, target(request))
    const headers = { 'content-type': 'application/xml', ...versionHeader(request, facts) }
    return { status: 200, headers, body: taggingDocument(facts.tags) }
  },
}

export const putObjectTagging: Operation = {
  ...base,
  name: 'PutObjectTagging',
  method: 'PUT',
  action: 's3:PutObjectTagging',
  // What it needs depends on the tags, which stand in the body.
  access: () => [],
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ tagging }, request) {
    const tags = readTagging(await request.document(), OBJECT_TAGS)
    await request.authorize({ ...need('Put', request), requestTags: tags })
    const facts = await tagging.put(request.call, target(request), tags)
    return { status: 200, headers: versionHeader(request, facts) }
  },
}

export const deleteObjectTagging: Operation = {
  ...base,
  name: 'DeleteObjectTagging',
  method: 'DELETE',
  action: 's3:DeleteObjectTagging',
  access: (request) => [need('Delete', request)],
  readOnly: false,
  body: { kind: 'none' },
  async run({ tagging }, request) {
    const facts = await tagging.put(request.call, target(request), [])
    return { status: 204, headers: versionHeader(request, facts) }
  },
}
