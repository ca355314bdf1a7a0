/** Signs a request of our own with SigV4, by header. */
import { createHash, createHmac } from 'node:crypto'
import { signingKey } from './signing-key.ts'

export interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface RequestToBeSigned {
  readonly method: string
  readonly host: string
  /** Path without characters that would need encoding. */
  readonly path: string
  readonly query?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body: Uint8Array
  readonly service: string
  readonly region: string
  readonly credentials: SigningCredentials
}

/** The request's headers with those that the signature adds. */
export function signedHeaders(request: RequestToBeSigned, now: Date): Record<string, string> {
  const { credentials: keys, service } = request
  const amzDate = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const payloadHash = createHash('sha256').update(request.body).digest('hex')
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    'x-amz-date': amzDate,
    'x-amz-content-sha256': payloadHash,
    ...(keys.sessionToken !== undefined && { 'x-amz-security-token': keys.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    request.method,
    request.path,
    request.query ?? '',
    names.map((name) => `${name}:${headers[name]}\n`).join(''),
    names.join(';'),
    payloadHash,
  ].join('\n')
  const scope = { date: amzDate.slice(0, 8), region: request.region, service }
  const scopeText = `${scope.date}/${scope.region}/${service}/aws4_request`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const signature = createHmac('sha256', signingKey(keys.accessKeyId, keys.secretAccessKey, scope))
    .update(`AWS4-HMAC-SHA256\n${amzDate}\n${scopeText}\n${hash}`)
    .digest('hex')
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scopeText}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return headers
}
