/** Annotations of objects, of which there are none here: a version that is there is said to have none. */
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation, S3Request } from '../../operation.ts'

const base = {
  method: 'GET',
  target: 'object',
  audit: 'data',
  readOnly: true,
  body: { kind: 'none' },
  limits: 'answers that there is none',
} as const
const MAX_RESULTS = 1000

/** To read of a named version is an action of its own. */
function access(verb: 'Get' | 'List', noun: 'Annotation' | 'Annotations') {
  return ({ bucket, objectKey, query }: S3Request) => {
    const versionId = query.get('versionId')
    const version = versionId === undefined ? '' : 'Version'
    return [{ action: `s3:${verb}Object${version}${noun}`, bucket, objectKey, versionId }]
  }
}

const target = ({ bucket, objectKey, query }: S3Request) => ({ bucket, objectKey, versionId: query.get('versionId') })

export const getObjectAnnotation: Operation = {
  ...base,
  name: 'GetObjectAnnotation',
  query: { annotation: undefined, annotationName: undefined },
  action: 's3:GetObjectAnnotation',
  access: access('Get', 'Annotation'),
  async run({ tagging }, request) {
    const name = request.query.get('annotationName')!
    if (name === '') throw new S3Error('UserAnnotationNameMustBeSpecified')
    await tagging.read(request.call, target(request))
    throw new S3Error('NoSuchAnnotation', { fields: { AnnotationName: name } })
  },
}

export const listObjectAnnotations: Operation = {
  ...base,
  name: 'ListObjectAnnotations',
  query: { annotation: undefined },
  action: 's3:ListObjectAnnotations',
  access: access('List', 'Annotations'),
  async run({ tagging }, request) {
    const given = request.query.get('max-annotation-results')
    const { versionId } = await tagging.read(request.call, target(request))
    return {
      status: 200,
      headers: { 'content-type': 'application/xml', 'x-amz-object-version-id': versionId },
      body: document('ListObjectAnnotationsOutput', [
        element('Annotations', []),
        element('Bucket', request.bucket),
        element('Key', request.objectKey),
        element('AnnotationPrefix', request.query.get('annotation-prefix')),
        element('MaxAnnotationResults', given === undefined ? undefined : readLimit(given)),
        element('AnnotationCount', 0),
      ]),
    }
  },
}

/** Throws S3Error InvalidArgument. */
function readLimit(text: string): number {
  if (text === '') return MAX_RESULTS
  const limit = /^-?\d{1,9}$/.test(text) ? Number(text) : undefined
  if (limit !== undefined && limit >= 1 && limit <= MAX_RESULTS) return limit
  const name = 'max-annotation-results'
  const message =
    limit === undefined
      ? `Provided ${name} not an integer or within integer range`
      : `Argument ${name} must be an integer between 1 and ${MAX_RESULTS}`
  throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: name, ArgumentValue: text } })
}
