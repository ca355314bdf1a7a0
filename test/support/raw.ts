/** Requests that the SDK cannot send: signed by hand, with any headers. */
import { createHash, createHmac } from 'node:crypto'
import { type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Credentials, TestServer } from './server.ts'

export interface RawRequest {
  readonly method: string
  readonly path: string
  /** A list: the parameter comes several times. */
  readonly query?: Readonly<Record<string, string | string[]>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Over plain HTTP. */
  readonly plain?: boolean
  readonly credentials?: Credentials
  /** The signing name; S3 where it is left out. */
  readonly service?: string
  /** Without a signature. */
  readonly anonymous?: boolean
}

export interface RawReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly bytes: Buffer
  /** Of the error document. */
  readonly code: string | undefined
  readonly message: string | undefined
  /** Whether the server said `100 Continue`. */
  readonly continued: boolean
}

class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: Uint8Array) {
    this.#hash.update(data)
  }
  async digest() {
    return new Uint8Array(this.#hash.digest())
  }
}

/** The body is sent at once, or with `expect: 100-continue` once the server asks for it. */
export async function send(server: TestServer, raw: RawRequest): Promise<RawReply> {
  const url = new URL(raw.plain ? server.http : server.https)
  const body = Buffer.from(raw.body ?? '')
  const signer = new SignatureV4({
    service: raw.service ?? 's3',
    region: 'us-east-1',
    credentials: raw.credentials ?? server.root,
    sha256: Sha256,
    uriEscapePath: false,
  })
  const unsigned = {
    method: raw.method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: raw.path,
    query: raw.query ?? {},
    headers: {
      ...raw.headers,
      host: url.host,
      'content-length': String(body.length),
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
    },
  }
  const { headers } = raw.anonymous ? unsigned : await signer.sign(unsigned)
  const pairs = Object.entries(raw.query ?? {}).flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
  const query = new URLSearchParams(pairs).toString()
  const path = query === '' ? raw.path : `${raw.path}?${query}`
  const options = { host: url.hostname, port: url.port, method: raw.method, path, headers }
  const request = url.protocol === 'https:' ? httpsRequest({ ...options, ca: server.caPem }) : httpRequest(options)
  request.on('continue', () => request.end(body))
  const reply = replyTo(request)
  if (!('expect' in headers)) request.end(body)
  else request.flushHeaders()
  return reply
}

/** The whole reply to a request that is under way; the connection ends with it. */
export function replyTo(request: ClientRequest): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    let continued = false
    request.on('continue', () => {
      continued = true
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(pieces)
        const text = bytes.toString()
        const element = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1]
        const { statusCode: status = 0, headers } = response
        request.destroy()
        resolve({ status, headers, body: text, bytes, code: element('Code'), message: element('Message'), continued })
      })
    })
  })
}
