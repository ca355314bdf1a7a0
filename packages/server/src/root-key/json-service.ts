/** Posts JSON to a key service over HTTPS and reads the JSON that it answers. */
import { readFile } from 'node:fs/promises'
import { type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { RootKeyError, RootKeyUnreachable } from './provider.ts'

export interface ServiceAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const TIMEOUT_MS = 10_000
const MOST_BYTES = 1024 * 1024
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Keys travel there in clear within TLS; without it only to this machine itself. Throws RootKeyError. */
export function serviceUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname))) return url
  throw new RootKeyError(`${text} is not an https:// address`)
}

/** Throws RootKeyUnreachable where nothing answers, or nothing that is JSON. */
export async function postJson(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  caFile: string | undefined,
): Promise<ServiceAnswer> {
  const ca = caFile === undefined ? undefined : await readAuthorities(caFile)
  const options: RequestOptions & { ca?: string | undefined } = {
    method: 'POST',
    headers: { ...headers, 'content-length': body.length },
    timeout: TIMEOUT_MS,
    ca,
  }
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) =>
      reject(new RootKeyUnreachable(`${url.origin} ${reason}`, { cause }))
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      const pieces: Buffer[] = []
      let size = 0
      response.on('data', (piece: Buffer) => {
        size += piece.length
        if (size > MOST_BYTES) response.destroy(new Error('the answer is too long'))
        else pieces.push(piece)
      })
      response.on('error', (error) => fail(`broke off: ${error.message}`, error))
      response.on('end', () => {
        const status = response.statusCode ?? 0
        const answer = parse(Buffer.concat(pieces))
        if (answer) resolve({ status, body: answer })
        else fail(`answered with status ${status} and no JSON`)
      })
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} seconds`)))
    request.on('error', (error) => fail(`cannot be reached: ${error.message || String(error)}`, error))
    request.end(body)
  })
}

function parse(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = bytes.length === 0 ? {} : JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

async function readAuthorities(caFile: string): Promise<string> {
  try {
    return await readFile(caFile, 'utf8')
  } catch (error) {
    throw new RootKeyUnreachable(`cannot read ${caFile}: ${(error as Error).message}`, { cause: error })
  }
}
