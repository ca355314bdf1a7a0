/** A small client for the program's own commands: signs a request with SigV4 and sends it over HTTP or HTTPS. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type SigningCredentials, signedHeaders } from '../signature/sign.ts'

export interface SignedReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface RequestToSign {
  readonly method: string
  /** Path without characters that would need encoding. */
  readonly path: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly service?: 's3' | 'kms' | 'servicequotas' | 'cloudtrail'
  /** Absent: waits for as long as it takes. */
  readonly timeoutMs?: number
  /** Called with the part of the body that has been handed to the socket, 0 to 1. */
  readonly onProgress?: (sent: number) => void
}

const PIECE_BYTES = 256 * 1024

/** As a signature wants it in a path or query: all but letters, digits and `-._~`. */
export const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** Where requests go and as whom. */
export interface Connection {
  readonly endpoint: string
  /** PEM of the authorities to trust; undefined: those of Node. */
  readonly ca: string | undefined
  readonly credentials: SigningCredentials
  readonly region: string
}

export async function sendSigned(to: Connection, what: RequestToSign): Promise<SignedReply> {
  const { endpoint, ca, credentials: keys, region } = to
  const url = new URL(endpoint)
  const body = what.body ?? Buffer.alloc(0)
  const service = what.service ?? 's3'
  const headers = signedHeaders({ ...what, host: url.host, service, region, credentials: keys, body }, new Date())
  headers['content-length'] = String(body.length)

  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const path = what.query ? `${what.path}?${what.query}` : what.path
    const request = send({ host: url.hostname, port: url.port, method: what.method, path, headers, ca }, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }),
      )
      response.on('error', reject)
    })
    request.on('error', reject)
    const { timeoutMs } = what
    if (timeoutMs !== undefined) {
      request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} seconds`)))
    }
    const write = (at: number): void => {
      what.onProgress?.(body.length === 0 ? 1 : at / body.length)
      if (at >= body.length) request.end()
      else request.write(body.subarray(at, at + PIECE_BYTES), () => write(at + PIECE_BYTES))
    }
    write(0)
  })
}
