/**
 * Import tokens: sealed, and all that an import needs is in them, so that any process opens what another one made
 * (docs/formats/import-token.md). Whoever holds one can do nothing with it but send it back.
 */
import { SealError } from '@strongroom/crypto'
import { Fault } from '../core/fault.ts'
import { name } from '../records/names.ts'
import type { SealingKey } from '../root-key/store-key.ts'
import type { WrappingAlgorithm } from './wrapping-keys.ts'

export interface ImportGrant {
  readonly keyArn: string
  readonly algorithm: WrappingAlgorithm
  /** PKCS #8, DER. Secret. */
  readonly privateKey: Uint8Array
  readonly validToMs: number
}

export class ImportTokens {
  readonly #key: SealingKey

  /** `key`: derived from the store key. */
  constructor(key: SealingKey) {
    this.#key = key
  }

  seal({ keyArn, algorithm, privateKey, validToMs }: ImportGrant): Uint8Array {
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeBigUInt64BE(BigInt(validToMs))
    head.writeUInt16BE(privateKey.length, 8)
    const plaintext = name(head, privateKey, `${algorithm} ${keyArn}`)
    const sealed = this.#key.seal(plaintext, ASSOCIATED_DATA)
    plaintext.fill(0)
    return name(new Uint8Array([LAYOUT]), sealed)
  }

  /** Throws KmsImportTokenInvalid where the token is not ours or of another key, and KmsImportTokenExpired. */
  open(token: Uint8Array, keyArn: string, nowMs: number): ImportGrant {
    const plaintext = this.#open(token)
    const privateKeyEnd = HEAD_BYTES + plaintext.readUInt16BE(8)
    const [algorithm, ofKey] = plaintext.toString('utf8', privateKeyEnd).split(' ') as [WrappingAlgorithm, string]
    const privateKey = plaintext.subarray(HEAD_BYTES, privateKeyEnd)
    const validToMs = Number(plaintext.readBigUInt64BE())
    if (ofKey !== keyArn) throw new Fault('KmsImportTokenInvalid', {})
    if (validToMs <= nowMs) throw new Fault('KmsImportTokenExpired', {})
    return { keyArn, algorithm, privateKey, validToMs }
  }

  #open(token: Uint8Array): Buffer {
    try {
      if (token[0] !== LAYOUT) throw new SealError()
      const { buffer, byteOffset, length } = this.#key.open(token.subarray(1), ASSOCIATED_DATA)
      return Buffer.from(buffer, byteOffset, length)
    } catch (error) {
      if (error instanceof SealError) throw new Fault('KmsImportTokenInvalid', {}, { cause: error })
      throw error
    }
  }
}

const LAYOUT = 1
const ASSOCIATED_DATA = Buffer.from('strongroom import token 1')
/** End of validity, length of the private key. */
const HEAD_BYTES = 10
