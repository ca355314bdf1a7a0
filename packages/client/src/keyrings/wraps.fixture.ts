/** Known answers of vectors/wraps.json, and what tests of keyrings build of them. */
import { readFileSync } from 'node:fs'
import { DataKey } from '@strongroom/crypto'
import type { ContentAlgorithm, WrapAlgorithm } from '../suites.ts'
import type { Description, WrapRequest } from './keyring.ts'

interface KnownWrap {
  readonly algorithm: WrapAlgorithm
  readonly contentAlgorithm: ContentAlgorithm
  readonly bytes: string
}

interface Vectors {
  readonly dataKey: string
  readonly aes: { readonly wrappingKey: string; readonly wraps: readonly KnownWrap[] }
  readonly rsa: {
    readonly pkcs8: string
    readonly spki: string
    readonly spkiOf1024Bits: string
    readonly wraps: readonly KnownWrap[]
    readonly maskedBySha256: string
  }
  readonly passphrase: Omit<KnownWrap, 'algorithm'> & {
    readonly passphrase: string
    readonly description: Description
    readonly wrappingKey: string
  }
  readonly argon2id: readonly {
    readonly passphrase: string
    readonly salt: string
    readonly memoryKiB: number
    readonly passes: number
    readonly lanes: number
    readonly key: string
  }[]
}

export const vectors: Vectors = JSON.parse(readFileSync(new URL('../../vectors/wraps.json', import.meta.url), 'utf8'))

export const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
export const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
export const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'))

export const knownDataKey = () => new DataKey(fromHex(vectors.dataKey))
export const pem = (label: string, base64: string) => `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`
export const knownRsa = {
  publicKey: pem('PUBLIC KEY', vectors.rsa.spki),
  privateKey: pem('PRIVATE KEY', vectors.rsa.pkcs8),
}

export const forContent = (contentAlgorithm: ContentAlgorithm, encryptionContext: Description = {}): WrapRequest => ({
  contentAlgorithm,
  encryptionContext,
})
