/** Known answers as a browser computes them; bundled for the page, like a user's own code. */

import { passphraseKeyring } from '@strongroom/client/passphrase'
import { createEncryptor, type Keyring, rawAesKeyring, rawRsaKeyring } from '@strongroom/client/web'
import { DataKey } from '@strongroom/crypto'
import { openRange } from '@strongroom/crypto/web'

/** Bytes are in base64. */
export interface KnownObject {
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
  readonly body: string
}

export interface KnownStream {
  readonly name: string
  readonly dataKey: string
  readonly streamId: string
  readonly partNumber: number
  readonly sealed: string
}

export interface KnownKeys {
  readonly aes: string
  readonly rsaPem: string
  readonly passphrase: string
}

/** What each opens to, in base64; or the name of the error. */
export const openObjects = (objects: readonly KnownObject[], keys: KnownKeys) =>
  Promise.all(
    objects.map(({ name, metadata, body }) =>
      answer(name, async () => {
        const encryptor = createEncryptor({
          keyring: keyringFor(name, keys),
          commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT',
          enableLegacyWrappingAlgorithms: true,
          enableLegacyUnauthenticatedModes: true,
        })
        const bytes = fromBase64(body)
        const opened = await encryptor.decrypt({ metadata, body: bytes, contentLength: bytes.length })
        return new Uint8Array(await new Response(opened.body as BodyInit).arrayBuffer())
      }),
    ),
  )

/** As {@link openObjects}. Keys and ids are in hexadecimal. */
export const openStreams = (streams: readonly KnownStream[]) =>
  Promise.all(
    streams.map(({ name, dataKey, streamId, partNumber, sealed }) =>
      answer(name, () =>
        openRange(new DataKey(fromHex(dataKey)), { streamId: fromHex(streamId), partNumber }, fromBase64(sealed)),
      ),
    ),
  )

async function answer(name: string, open: () => Promise<Uint8Array>): Promise<readonly [name: string, answer: string]> {
  try {
    return [name, btoa(String.fromCharCode(...(await open())))]
  } catch (error) {
    const { code, name: kind } = error as Error & { readonly code?: string }
    return [name, code ?? kind]
  }
}

function keyringFor(name: string, { aes, rsaPem, passphrase }: KnownKeys): Keyring {
  if (name.startsWith('RSA')) return rawRsaKeyring({ privateKey: rsaPem })
  return name.startsWith('passphrase')
    ? passphraseKeyring({ passphrase })
    : rawAesKeyring({ wrappingKey: fromHex(aes) })
}

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0))
const fromHex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
