/**
 * A root key in the transit engine of HashiCorp Vault or OpenBao (Vault HTTP API, "Transit secrets engine"): an AEAD key
 * such as `aes256-gcm96`, which never leaves there.
 */
import { encodeContext } from '@strongroom/crypto'
import { postJson, type ServiceAnswer, serviceUrl } from './json-service.ts'
import { RootKeyError, type RootKeyProvider, RootKeyUnreachable, type WrapContext } from './provider.ts'

export interface VaultTransitKey {
  readonly address: string
  readonly mount: string
  readonly key: string
  readonly namespace?: string | undefined
  readonly caFile?: string | undefined
  /** Asked for each call: whoever renews it may write another one. */
  readonly token: () => Promise<string>
}

export function vaultProvider(vault: VaultTransitKey): RootKeyProvider {
  const address = serviceUrl(vault.address)
  const call = async (operation: 'encrypt' | 'decrypt', input: object, result: string): Promise<string> => {
    const url = new URL(`/v1/${vault.mount}/${operation}/${encodeURIComponent(vault.key)}`, address)
    const headers = {
      'content-type': 'application/json',
      'x-vault-token': await vault.token(),
      'x-vault-request': 'true',
      ...(vault.namespace !== undefined && { 'x-vault-namespace': vault.namespace }),
    }
    const answer = await postJson(url, headers, Buffer.from(JSON.stringify(input)), vault.caFile)
    const value = (answer.body.data as Record<string, unknown> | undefined)?.[result]
    if (answer.status === 200 && typeof value === 'string') return value
    throw refusal(operation, answer)
  }
  return {
    description: `the transit key ${vault.mount}/${vault.key} at ${address.origin}`,
    async wrap(key, context) {
      const input = { plaintext: Buffer.from(key).toString('base64'), associated_data: bound(context) }
      return Buffer.from(await call('encrypt', input, 'ciphertext'))
    },
    async unwrap(wrapped, context) {
      const input = { ciphertext: Buffer.from(wrapped).toString(), associated_data: bound(context) }
      return Buffer.from(await call('decrypt', input, 'plaintext'), 'base64')
    },
  }
}

/** A 400 is about what was asked; all else (sealed, standing by, no permission, too many calls) may pass. */
function refusal(operation: string, { status, body }: ServiceAnswer): Error {
  const errors = Array.isArray(body.errors) ? body.errors.join('; ').trim() : ''
  const text = `${operation} was refused with status ${status}${errors ? `: ${errors}` : ''}`
  return status === 400 || status === 404 ? new RootKeyError(text) : new RootKeyUnreachable(text)
}

const bound = (context: WrapContext) => Buffer.from(encodeContext(context)).toString('base64')
