/**
 * The KMS CiphertextBlob (docs/formats/kms-ciphertext.md): names its key and material version, then an XAES-256-GCM
 * message whose associated data are those names and the canonical encryption context.
 */
import { encodeContext, SealError } from '@strongroom/crypto'
import type { MessageKey } from '@strongroom/crypto/node'
import { Fault } from '../core/fault.ts'

export interface CiphertextNames {
  readonly keyArn: string
  /** 1 and up. */
  readonly materialVersion: number
}

export function encryptBlob(
  material: MessageKey,
  names: CiphertextNames,
  plaintext: Uint8Array,
  encryptionContext: Readonly<Record<string, string>>,
): Uint8Array {
  const head = encodeNames(names)
  return Buffer.concat([head, material.seal(plaintext, Buffer.concat([head, encodeContext(encryptionContext)]))])
}

/** Throws Fault KmsCiphertextInvalid where the bytes are no such blob. */
export function readNames(blob: Uint8Array): CiphertextNames & { readonly headBytes: number } {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.length)
  const arnBytes = bytes.length > HEAD_BYTES ? bytes.readUInt16BE(5) : 0
  if (bytes[0] !== LAYOUT || arnBytes === 0 || bytes.length < HEAD_BYTES + arnBytes)
    throw new Fault('KmsCiphertextInvalid', {})
  return {
    keyArn: bytes.toString('utf8', HEAD_BYTES, HEAD_BYTES + arnBytes),
    materialVersion: bytes.readUInt32BE(1),
    headBytes: HEAD_BYTES + arnBytes,
  }
}

/** Throws Fault KmsCiphertextInvalid where key, context or bytes are not those it was made with. */
export function decryptBlob(
  material: MessageKey,
  headBytes: number,
  blob: Uint8Array,
  encryptionContext: Readonly<Record<string, string>>,
): Uint8Array {
  try {
    const associatedData = Buffer.concat([blob.subarray(0, headBytes), encodeContext(encryptionContext)])
    return material.open(blob.subarray(headBytes), associatedData)
  } catch (error) {
    if (error instanceof SealError) throw new Fault('KmsCiphertextInvalid', {}, { cause: error })
    throw error
  }
}

function encodeNames({ keyArn, materialVersion }: CiphertextNames): Buffer {
  const arn = Buffer.from(keyArn)
  const head = Buffer.alloc(HEAD_BYTES)
  head[0] = LAYOUT
  head.writeUInt32BE(materialVersion, 1)
  head.writeUInt16BE(arn.length, 5)
  return Buffer.concat([head, arn])
}

const LAYOUT = 1
/** Layout, material version, length of the ARN. */
const HEAD_BYTES = 7
