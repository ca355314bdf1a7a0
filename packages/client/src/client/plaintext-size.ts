import { decodeHeader, plaintextSize, SealError, TAG_BYTES } from '@strongroom/crypto'
import type { Envelope } from '../envelope/envelope.ts'
import { EncryptionError } from '../errors.ts'

/**
 * Length of the plaintext by that of what is stored; `undefined` for CBC, whose padding only decryption shows. Nobody
 * has authenticated it before the body is read. Throws EncryptionError BodyNotAuthentic where no body has this length.
 */
export function plaintextBytesOf(envelope: Envelope, sealedBytes: number): number | undefined {
  if (envelope.contentAlgorithm === 'AES/CBC/PKCS5Padding') return undefined
  try {
    if (envelope.format === 'sealed') return plaintextSize(sealedBytes, decodeHeader(envelope.header).segmentBytes)
    if (sealedBytes >= TAG_BYTES) return sealedBytes - TAG_BYTES
  } catch (error) {
    if (!(error instanceof SealError)) throw error
  }
  throw new EncryptionError('BodyNotAuthentic')
}
