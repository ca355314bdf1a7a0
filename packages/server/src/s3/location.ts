import type { S3Request } from './operation.ts'

/** The URL of the object that a request is about, in the style of the request's own. */
export function locationOf({ bucket, objectKey, headers, call }: S3Request): string {
  const { host = '' } = headers
  const key = objectKey.split('/').map(encodeURIComponent).join('/')
  const path = host.startsWith(`${bucket}.`) ? key : `${encodeURIComponent(bucket)}/${key}`
  return `${call.secureTransport ? 'https' : 'http'}://${host}/${path}`
}
