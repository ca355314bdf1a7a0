/** As much of KMS as keyrings call: keys in memory, ciphertexts bound to key and context. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import {
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  type KMSClient,
} from '@aws-sdk/client-kms'
import { encodeContext } from '@strongroom/crypto'

type Context = Record<string, string>

export class FakeKms {
  /** Names of the commands sent. */
  readonly calls: string[] = []
  /** Buffers of plaintext that were given out: whoever gets one should overwrite it. */
  readonly given: Uint8Array[] = []
  /** Thrown in place of the next answers. */
  failure: Error | undefined
  readonly client = { send: (command: unknown) => this.#send(command) } as unknown as KMSClient
  readonly #keys = new Map<string, Buffer>()

  /** A key, by what names it here: its ARN. */
  createKey(account = '111122223333', partition = 'aws'): string {
    const arn = `arn:${partition}:kms:eu-central-1:${account}:key/${this.#keys.size}`
    this.#keys.set(arn, randomBytes(32))
    return arn
  }

  /** A ciphertext as Encrypt makes it, for any context. */
  encrypt(keyArn: string, plaintext: Uint8Array, context: Context): Uint8Array {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#keys.get(keyArn)!, iv).setAAD(encodeContext(context))
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    return Uint8Array.from(Buffer.concat([Uint8Array.of(keyArn.length), Buffer.from(keyArn), iv, sealed]))
  }

  async #send(command: unknown) {
    if (this.failure) throw this.failure
    if (command instanceof GenerateDataKeyCommand) {
      const { KeyId, EncryptionContext } = command.input
      this.calls.push('GenerateDataKey')
      const CiphertextBlob = this.encrypt(KeyId!, this.#give(randomBytes(32)), EncryptionContext!)
      return { KeyId, CiphertextBlob, Plaintext: this.given.at(-1) }
    }
    if (command instanceof EncryptCommand) {
      const { KeyId, EncryptionContext, Plaintext } = command.input
      this.calls.push('Encrypt')
      return { KeyId, CiphertextBlob: this.encrypt(KeyId!, Plaintext!, EncryptionContext!) }
    }
    if (command instanceof DecryptCommand) {
      this.calls.push('Decrypt')
      return this.#decrypt(command.input)
    }
    throw new Error('a command that keyrings do not send')
  }

  #decrypt({ KeyId, EncryptionContext, CiphertextBlob }: DecryptCommand['input']) {
    const bytes = Buffer.from(CiphertextBlob!)
    const keyArn = bytes.subarray(1, 1 + (bytes[0] ?? 0)).toString()
    const sealed = bytes.subarray(1 + keyArn.length)
    const key = this.#keys.get(keyArn)
    const refused = { message: '', $metadata: {} }
    if (!key || sealed.length < 28) throw new InvalidCiphertextException(refused)
    if (KeyId !== undefined && KeyId !== keyArn) throw new IncorrectKeyException(refused)
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    decipher.setAAD(encodeContext(EncryptionContext as Context)).setAuthTag(sealed.subarray(-16))
    try {
      const plaintext = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
      return { KeyId: keyArn, Plaintext: this.#give(plaintext) }
    } catch {
      throw new InvalidCiphertextException(refused)
    }
  }

  #give(bytes: Uint8Array): Uint8Array {
    this.given.push(bytes)
    return bytes
  }
}
