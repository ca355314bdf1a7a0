/** A form as a request: its policy is held to, and its fields become what headers are for PutObject. */
import type { IncomingHttpHeaders } from 'node:http'
import type { IncomingBody } from '../objects/types.ts'
import { STORED_HEADERS } from '../objects/types.ts'
import type { CallContext } from '../policy/call.ts'
import { missingField } from '../signature/form.ts'
import { fileBody } from './body.ts'
import { S3Error } from './errors.ts'
import type { PostForm } from './post-form.ts'
import { type ByteRange, checkPostPolicy, readPostPolicy } from './post-policy.ts'
import { requireKeyLength } from './target.ts'

export interface FormRequest {
  readonly objectKey: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  body(): IncomingBody
}

/** Fields that are headers under another name. */
const RENAMED: Readonly<Record<string, string>> = { acl: 'x-amz-acl' }
/** Other fields that are headers, beside all that begin with `x-amz-`. */
const HEADER_FIELDS = new Set<string>([...STORED_HEADERS, 'content-md5', 'acl'])
const FILE_NAME = '$' + '{filename}'

/**
 * `host`: where the form was sent. Throws S3Error InvalidArgument for a key or a field that cannot be, and what
 * `readPostPolicy` and `checkPostPolicy` throw.
 */
export function formRequest(
  form: PostForm,
  { bucket, host, call }: { bucket: string; host: string | undefined; call: CallContext },
): FormRequest {
  const objectKey = keyOf(form)
  // A policy that nobody has signed says nothing: whoever sends it could leave it out.
  const encoded = call.signature && form.fields.get('policy')
  const policy = encoded === undefined ? undefined : readPostPolicy(encoded)
  if (policy) {
    const fields = new Map([...form.fields, ['key', objectKey], ['bucket', bucket]])
    checkPostPolicy(policy, { fields, names: form.names, nowMs: call.atMs })
  }
  const { headers, rawHeaders } = headersOf(form)
  return {
    objectKey,
    headers: { ...headers, host },
    rawHeaders,
    body: () => fileBody(headers, held(form.file, policy?.contentLength)),
  }
}

function keyOf({ fields, fileName }: PostForm): string {
  const given = fields.get('key') ?? ''
  const objectKey = fileName === undefined ? given : given.replaceAll(FILE_NAME, () => fileName)
  if (objectKey === '') {
    const message = missingField('key')
    throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: 'key', ArgumentValue: '' } })
  }
  requireKeyLength(objectKey)
  return objectKey
}

/** As Node gives headers: bytes as latin-1. What could not be sent back in a header is refused. */
function headersOf({ fields }: PostForm): Pick<FormRequest, 'headers' | 'rawHeaders'> {
  const headers: IncomingHttpHeaders = {}
  const rawHeaders: string[] = []
  for (const [field, text] of fields) {
    const name = RENAMED[field] ?? field
    const value = Buffer.from(text).toString('latin1')
    if (HEADER_FIELDS.has(field) || field.startsWith('x-amz-')) {
      if (!TOKEN.test(name) || !HEADER_VALUE.test(value)) {
        const message = `The value of the field ${field} cannot be that of a header.`
        throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: field } })
      }
      rawHeaders.push(name, value)
    }
    headers[name] = value
  }
  return { headers, rawHeaders }
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Throws S3Error EntityTooLarge as soon as it is, EntityTooSmall at the end. */
async function* held(file: AsyncIterable<Uint8Array>, range: ByteRange | undefined): AsyncIterable<Uint8Array> {
  let size = 0
  for await (const chunk of file) {
    size += chunk.length
    if (range && size > range.max) {
      throw new S3Error('EntityTooLarge', {
        fields: { ProposedSize: String(size), MaxSizeAllowed: String(range.max) },
      })
    }
    yield chunk
  }
  if (range && size < range.min) {
    throw new S3Error('EntityTooSmall', { fields: { ProposedSize: String(size), MinSizeAllowed: String(range.min) } })
  }
}
