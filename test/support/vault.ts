/**
 * A server that answers as the transit engine of Vault does (Vault HTTP API, "Transit secrets engine": encrypt, decrypt,
 * rotate; "Seal status": a sealed one answers 503), for there is no Vault or OpenBao to be had from this system's
 * packages. AES-256-GCM with associated data, keys with versions, tokens; nothing else.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export interface VaultServer {
  readonly address: string
  /** The only token that it takes. */
  token: string
  isSealed: boolean
  /** `METHOD path` of each request, in their order. */
  readonly requests: string[]
  rotate(key: string): void
  close(): Promise<void>
}

export async function startVault(keyNames: readonly string[], token: string): Promise<VaultServer> {
  const keys = new Map(keyNames.map((name) => [name, [randomBytes(32)]]))
  const server = createServer((request, response) => {
    void answer(request).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    })
  })
  const errors = (...messages: string[]) => ({ errors: messages })

  async function answer(request: IncomingMessage): Promise<readonly [number, object]> {
    const input = (await json(request)) as Readonly<Record<string, string>>
    vault.requests.push(`${request.method} ${request.url}`)
    if (vault.isSealed) return [503, errors('Vault is sealed')]
    if (request.headers['x-vault-token'] !== vault.token) return [403, errors('permission denied')]
    const [, operation, name] = /^\/v1\/transit\/(encrypt|decrypt)\/([\w-]+)$/.exec(request.url ?? '') ?? []
    if (request.method !== 'POST' || !operation) return [404, errors('no handler for route')]
    const versions = keys.get(name!)
    if (!versions) return [400, errors('encryption key not found')]
    const bound = Buffer.from(input.associated_data ?? '', 'base64')
    if (operation === 'encrypt') {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', versions.at(-1)!, nonce).setAAD(bound)
      const sealed = [
        nonce,
        cipher.update(Buffer.from(input.plaintext!, 'base64')),
        cipher.final(),
        cipher.getAuthTag(),
      ]
      const ciphertext = `vault:v${versions.length}:${Buffer.concat(sealed).toString('base64')}`
      return [200, { data: { ciphertext, key_version: versions.length } }]
    }
    const [, version, text] = /^vault:v(\d+):(.+)$/.exec(input.ciphertext ?? '') ?? []
    const key = versions[Number(version) - 1]
    if (!key || !text) return [400, errors('invalid ciphertext: no prefix')]
    const bytes = Buffer.from(text, 'base64')
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(bound)
      decipher.setAuthTag(bytes.subarray(-16))
      const plaintext = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
      return [200, { data: { plaintext: plaintext.toString('base64') } }]
    } catch {
      return [400, errors('cipher: message authentication failed')]
    }
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const vault: VaultServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    isSealed: false,
    requests: [],
    rotate: (name) => void keys.get(name)!.push(randomBytes(32)),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return vault
}
