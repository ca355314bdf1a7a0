/** Browser forms by hand: signed as AWS says, written as multipart/form-data, sent as they are. */
import { createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type RawReply, replyTo } from './raw.ts'
import type { Credentials, TestServer } from './server.ts'

export type Fields = Readonly<Record<string, string>>

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** The fields that sign a policy. Without `conditions` there is one for the bucket and one for each field. */
export function signed(
  credentials: Credentials,
  fields: Fields,
  options: { conditions?: readonly unknown[]; expiration?: string; sessionToken?: string; version?: 'v2' | 'v4' } = {},
): Record<string, string> {
  const { version = 'v4', sessionToken } = options
  const amzDate = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = amzDate.slice(0, 8)
  const own: Record<string, string> = {
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
    ...(version === 'v4' && {
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': `${credentials.accessKeyId}/${day}/us-east-1/s3/aws4_request`,
      'x-amz-date': amzDate,
    }),
  }
  const exact = (some: Fields) => Object.entries(some).map(([name, value]) => ['eq', `$${name}`, value])
  const policy = Buffer.from(
    JSON.stringify({
      expiration: options.expiration ?? new Date(Date.now() + 3_600_000).toISOString(),
      conditions: [...(options.conditions ?? exact(fields)), ...exact(own)],
    }),
  ).toString('base64')
  if (version === 'v2') {
    const signature = createHmac('sha1', credentials.secretAccessKey).update(policy).digest('base64')
    return { ...fields, ...own, AWSAccessKeyId: credentials.accessKeyId, policy, signature }
  }
  const key = [day, 'us-east-1', 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  )
  return { ...fields, ...own, policy, 'x-amz-signature': hmac(key, policy).toString('hex') }
}

const BOUNDARY = 'a-boundary-of-the-form'

export const field = (name: string, value: string) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
export const fileHead = (fileName: string | undefined, name = 'file') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}\r\n\r\n`
export const formEnd = `\r\n--${BOUNDARY}--\r\n`
export const fieldsOf = (fields: Fields) =>
  Object.entries(fields)
    .map(([name, value]) => field(name, value))
    .join('')

/** A whole form with one file at its end. */
export const form = (fields: Fields, file: string | Uint8Array, fileName: string | undefined = 'photo.jpg') =>
  Buffer.concat([Buffer.from(fieldsOf(fields) + fileHead(fileName)), Buffer.from(file), Buffer.from(formEnd)])

export interface FormPost {
  readonly path: string
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** Over plain HTTP. */
  readonly plain?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

export async function post(server: TestServer, { path, body, plain, headers }: FormPost): Promise<RawReply> {
  const url = new URL(plain ? server.http : server.https)
  const options = {
    host: url.hostname,
    port: url.port,
    method: 'POST',
    path,
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      ...(body instanceof Uint8Array && { 'content-length': String(body.length) }),
      ...headers,
    },
  }
  const request = plain ? httpRequest(options) : httpsRequest({ ...options, ca: server.caPem })
  const reply = replyTo(request)
  if (body instanceof Uint8Array) request.end(body)
  else {
    try {
      for await (const chunk of body) {
        if (!request.write(chunk)) await new Promise((resolve) => request.once('drain', resolve))
      }
      request.end()
    } catch (error) {
      request.destroy(error as Error)
    }
  }
  return reply
}
