/** Requests as the bytes that go over the wire; signed (SigV4, UNSIGNED-PAYLOAD) where there are credentials. */
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

class Sha256 {
  #hash
  constructor(secret) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data) {
    this.#hash.update(data)
  }
  async digest() {
    return this.#hash.digest()
  }
}

export async function signedHeads({ host, port, ca, method, paths, headers, credentials, length }) {
  const base = { ...headers, host: `${host}:${port}`, 'content-length': String(length) }
  const signer =
    credentials &&
    new SignatureV4({ service: 's3', region: 'us-east-1', credentials, sha256: Sha256, uriEscapePath: false })
  return Promise.all(
    paths.map(async (path) => {
      const request = { method, protocol: ca ? 'https:' : 'http:', hostname: host, path, query: {}, headers: base }
      const signed = signer
        ? await signer.sign({ ...request, headers: { ...base, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } })
        : request
      const lines = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`)
      return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
    }),
  )
}
