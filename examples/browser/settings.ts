/** What the form says, as a client. Nothing of it is kept anywhere but in the page. */
import { S3Client } from '@aws-sdk/client-s3'
import {
  createEncryptingClient,
  type EncryptingClient,
  type Keyring,
  rawAesKeyring,
  type WriteFormat,
} from '@strongroom/client'
import { passphraseKeyring } from '@strongroom/client/passphrase'

export interface Settings {
  readonly client: EncryptingClient
  readonly bucket: string
  readonly prefix: string
  readonly format: WriteFormat
}

/**
 * The S3 Encryption Client's formats have one tag, at the end: until it was seen, a browser can only hold the body in
 * memory. The sealed format has a tag for every 64 KiB.
 */
export const WHOLE_BODY_BYTES = 64 * 2 ** 20

/** A key file that was made here is used until another is picked. */
export const keyFile = {
  made: undefined as Uint8Array<ArrayBuffer> | undefined,

  make(): Uint8Array<ArrayBuffer> {
    keyFile.made = crypto.getRandomValues(new Uint8Array(32))
    return keyFile.made
  },
}

export function storeOf(form: HTMLFormElement): S3Client {
  const fields = new FormData(form)
  const text = (name: string) => String(fields.get(name) ?? '').trim()
  const sessionToken = text('sessionToken')
  return new S3Client({
    endpoint: text('endpoint'),
    region: text('region'),
    forcePathStyle: true,
    credentials: {
      accessKeyId: text('accessKeyId'),
      secretAccessKey: text('secretAccessKey'),
      ...(sessionToken && { sessionToken }),
    },
  })
}

/** Throws EncryptionError InvalidConfiguration where there is no key, or none that is one. */
export async function settingsOf(form: HTMLFormElement): Promise<Settings> {
  const fields = new FormData(form)
  const format = fields.get('format') as WriteFormat
  const options = { keyring: await keyringOf(fields), format, bufferBytes: WHOLE_BODY_BYTES, partBytes: 5 * 2 ** 20 }
  const client = createEncryptingClient(storeOf(form), options)
  return { client, bucket: String(fields.get('bucket')).trim(), prefix: String(fields.get('prefix')), format }
}

let ofPassphrase: { readonly passphrase: string; readonly keyring: Keyring } | undefined

async function keyringOf(fields: FormData): Promise<Keyring> {
  if (fields.get('keyKind') === 'file') {
    const file = fields.get('keyFile') as File
    const picked = file.size > 0 ? new Uint8Array(await file.arrayBuffer()) : keyFile.made
    return rawAesKeyring({ wrappingKey: picked ?? new Uint8Array(0) })
  }
  const passphrase = String(fields.get('passphrase'))
  // A keyring remembers what Argon2id gave, which takes about a second.
  if (ofPassphrase?.passphrase !== passphrase) ofPassphrase = { passphrase, keyring: passphraseKeyring({ passphrase }) }
  return ofPassphrase.keyring
}
