/** AES wrapping keys as text files, and the ids by which wraps name them (docs/formats/aes-key-file.md). Pure. */
import { createHash, createHmac } from 'node:crypto'

const LABEL = 'STRONGROOM AES KEY'
const BEGIN = `-----BEGIN ${LABEL}-----`
const END = `-----END ${LABEL}-----`
const FILE = new RegExp(`^\\s*${BEGIN}\\r?\\nId: ([0-9a-f]{16})\\r?\\n\\r?\\n([A-Za-z0-9+/]{43}=)\\r?\\n${END}\\s*$`)

/** 16 hexadecimal digits that tell keys apart; by HMAC, so that they tell nothing of the key. */
export const aesKeyId = (aesKey: Uint8Array): string =>
  createHmac('sha256', aesKey).update('strongroom aes key id').digest('hex').slice(0, 16)

/** Likewise of an RSA pair, by its public half (DER of SPKI). */
export const rsaKeyId = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex').slice(0, 16)

/** `aesKey`: 32 bytes. */
export const aesKeyFile = (aesKey: Uint8Array): string =>
  `${BEGIN}\nId: ${aesKeyId(aesKey)}\n\n${Buffer.from(aesKey).toString('base64')}\n${END}\n`

/** Whether a text means to be such a file. */
export const isAesKeyFile = (text: string): boolean => text.includes(BEGIN)

/** 32 bytes, the caller's to wipe. Throws an Error, which tells nothing of the key, where the file is damaged. */
export function parseAesKeyFile(text: string): Uint8Array {
  const [, id, base64] = FILE.exec(text) ?? []
  const aesKey = Buffer.from(base64 ?? '', 'base64')
  if (aesKey.length !== 32 || aesKeyId(aesKey) !== id) throw new Error(`a damaged ${LABEL}: its id does not fit`)
  return aesKey
}
