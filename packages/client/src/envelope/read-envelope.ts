/**
 * Which format an object is of, and its envelope. Pure; what a store may have changed is checked here for form, and by
 * opening for truth. Rules: the S3 Encryption Client's specification, and docs/formats/client-sealed-object.md.
 */
import { HEADER_BYTES } from '@strongroom/crypto'
import { decodeBase64 } from '../base64.ts'
import { EncryptionError } from '../errors.ts'
import type { Description, WrappedDataKey } from '../keyrings/keyring.ts'
import { WRAP_ALGORITHMS, type WrapAlgorithm } from '../suites.ts'
import {
  type Envelope,
  type EnvelopeLocation,
  FIELD,
  FIELDS_OF,
  type FieldName,
  INSTRUCTION_FILE_MARKER,
} from './envelope.ts'
import { metadataText } from './metadata-text.ts'

export interface LocatedEnvelope {
  readonly envelope: Envelope
  readonly location: EnvelopeLocation
}

type Fields = Readonly<Record<string, string>>
type Family = keyof typeof FIELDS_OF

/**
 * The envelope of an object with this user metadata (names without prefix, of any case). `instructionFile` gives the
 * text of the instruction file, `undefined` where there is none; it is asked for only where the metadata lacks the
 * wrapped key. Rejects with EncryptionError: NotEncrypted, MixedFormats, MalformedEnvelope, InstructionFileTampered.
 */
export async function readEnvelope(
  metadata: Fields,
  instructionFile: () => Promise<string | undefined>,
): Promise<LocatedEnvelope> {
  const fields = lowerCased(metadata)
  const family = onlyFamily(fields)
  if (family === 'sealed') return { envelope: readSealed(fields), location: 'metadata' }
  if (family === 'V3') {
    if (fields[FIELD.key3] !== undefined) return { envelope: readV3(fields, fields), location: 'metadata' }
    // What the file holds may not stand on the object, or either of the two could be exchanged alone.
    if ([FIELD.wrap3, FIELD.description3, FIELD.context3].some((name) => fields[name] !== undefined))
      throw malformed('the wrapped key is missing')
    const file = parseInstructionFile(await instructionFile(), IN_FILE_V3)
    if (!file) throw new EncryptionError('MalformedEnvelope', 'the instruction file with the wrapped key is missing')
    return { envelope: readV3(fields, file), location: 'instruction-file' }
  }
  if (family === 'V1 or V2') return { envelope: readV1orV2(fields), location: 'metadata' }
  const file = parseInstructionFile(await instructionFile(), IN_FILE_V2)
  if (!file) throw new EncryptionError('NotEncrypted')
  return { envelope: readV1orV2(file), location: 'instruction-file' }
}

/** Whether metadata alone shows an envelope or the part of one that goes with an instruction file. */
export const hasEnvelope = (metadata: Fields): boolean => onlyFamily(lowerCased(metadata)) !== undefined

function lowerCased(metadata: Fields): Fields {
  const out: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(metadata)) out[name.toLowerCase()] = value
  return out
}

function onlyFamily(fields: Fields): Family | undefined {
  const families = (Object.keys(FIELDS_OF) as Family[]).filter((family) =>
    FIELDS_OF[family].some((name) => fields[name] !== undefined),
  )
  if (families.length > 1) throw new EncryptionError('MixedFormats', families.join(', '))
  if (fields[FIELD.key1] !== undefined && fields[FIELD.key2] !== undefined)
    throw new EncryptionError('MixedFormats', 'V1, V2')
  return families[0]
}

/** `object` has what must be on the object, `keys` what may be in the instruction file. */
function readV3(object: Fields, keys: Fields): Envelope {
  if (object[FIELD.content3] !== '115') throw malformed(`${FIELD.content3} is not 115`)
  const algorithm = wrapOfCode(required(keys, FIELD.wrap3))
  const description = algorithm === 'kms+context' ? FIELD.context3 : FIELD.description3
  const envelope = {
    format: 'V3',
    contentAlgorithm: '115',
    wrapped: [
      {
        algorithm,
        bytes: base64(keys, FIELD.key3),
        description: parseDescription(keys[description] ?? '{}', description),
      },
    ],
    messageId: base64(object, FIELD.messageId3, 28),
    commitment: base64(object, FIELD.commitment3, 28),
  } as const
  if (envelope.messageId.every((byte) => byte === 0)) throw malformed(`${FIELD.messageId3} is all zeros`)
  return envelope
}

function readV1orV2(fields: Fields): Envelope {
  if (fields[FIELD.key1] !== undefined) return readV1(fields)
  const contentAlgorithm = CONTENT_NAMES.get(required(fields, FIELD.contentAlgorithm))
  if (!contentAlgorithm) throw malformed(`${FIELD.contentAlgorithm} is unknown`)
  const gcm = contentAlgorithm === 'AES/GCM/NoPadding'
  // A GCM object says that its tag has 128 bits; one of CBC that speaks of a tag has been relabelled. Go's client puts
  // an empty text where an instruction file needs none.
  if ((fields[FIELD.tagBits] ?? '') !== (gcm ? '128' : '')) throw malformed(FIELD.tagBits)
  const algorithm = required(fields, FIELD.wrapAlgorithm)
  if (!Object.hasOwn(WRAP_ALGORITHMS, algorithm) || algorithm === 'AES')
    throw malformed(`${FIELD.wrapAlgorithm} is unknown`)
  const wrapped: WrappedDataKey = {
    algorithm: algorithm as WrapAlgorithm,
    bytes: base64(fields, FIELD.key2),
    description: parseDescription(fields[FIELD.description] ?? '{}', FIELD.description),
  }
  return { format: 'V2', contentAlgorithm, wrapped: [wrapped], iv: base64(fields, FIELD.iv, gcm ? 12 : 16) }
}

function readV1(fields: Fields): Envelope {
  for (const name of [FIELD.contentAlgorithm, FIELD.wrapAlgorithm, FIELD.tagBits])
    if (fields[name] !== undefined) throw new EncryptionError('MixedFormats', 'V1, V2')
  const bytes = base64(fields, FIELD.key1)
  // The format does not say what wrapped the key. A data key of 32 bytes takes 48 under AES, and a modulus under RSA.
  if (bytes.length > 48)
    throw new EncryptionError('LegacyWrappingDisabled', 'RSA with PKCS#1 v1.5 padding is not supported')
  const description = parseDescription(required(fields, FIELD.description), FIELD.description)
  return {
    format: 'V1',
    contentAlgorithm: 'AES/CBC/PKCS5Padding',
    wrapped: [{ algorithm: 'AES', bytes, description }],
    iv: base64(fields, FIELD.iv, 16),
  }
}

function readSealed(fields: Fields): Envelope {
  if (fields[FIELD.sealedVersion] !== '1') throw malformed(`${FIELD.sealedVersion} is not 1`)
  const wraps = parseJson(required(fields, FIELD.sealedKeys), FIELD.sealedKeys)
  if (!Array.isArray(wraps) || wraps.length === 0) throw malformed(FIELD.sealedKeys)
  return {
    format: 'sealed',
    contentAlgorithm: 'strongroom/sealed/1',
    wrapped: wraps.map((wrap: unknown) => {
      const { w, k, m = {}, ...rest } = asObject(wrap, FIELD.sealedKeys)
      if (typeof w !== 'string' || typeof k !== 'string' || Object.keys(rest).length > 0)
        throw malformed(FIELD.sealedKeys)
      return { algorithm: wrapOfCode(w), bytes: decodeBase64(k), description: asDescription(m, FIELD.sealedKeys) }
    }),
    encryptionContext: parseDescription(fields[FIELD.sealedContext] ?? '{}', FIELD.sealedContext),
    header: base64(fields, FIELD.sealedHeader, HEADER_BYTES),
  }
}

/** Names of content algorithms that format V2 stores; Ruby writes PKCS7 for the same padding. */
const CONTENT_NAMES: ReadonlyMap<string, 'AES/GCM/NoPadding' | 'AES/CBC/PKCS5Padding'> = new Map([
  ['AES/GCM/NoPadding', 'AES/GCM/NoPadding'],
  ['AES/CBC/PKCS5Padding', 'AES/CBC/PKCS5Padding'],
  ['AES/CBC/PKCS7Padding', 'AES/CBC/PKCS5Padding'],
])

const IN_FILE_V3: readonly string[] = [FIELD.key3, FIELD.wrap3, FIELD.description3, FIELD.context3]
const IN_FILE_V2: readonly string[] = [...FIELDS_OF['V1 or V2'], FIELD.plaintextBytes, FIELD.plaintextMd5]

/**
 * The fields of an instruction file. One with fields that are not `allowed` is refused: who may write the file, but
 * not the object, could otherwise exchange the key together with the commitment to it (CVE-2025-14763 and its kin).
 */
function parseInstructionFile(text: string | undefined, allowed: readonly string[]): Fields | undefined {
  if (text === undefined) return undefined
  const fields = lowerCased(parseDescription(text, 'the instruction file'))
  for (const name of Object.keys(fields))
    if (!allowed.includes(name) && name !== INSTRUCTION_FILE_MARKER)
      throw new EncryptionError('InstructionFileTampered', name.slice(0, 64))
  if (fields[FIELD.key1] !== undefined && fields[FIELD.key2] !== undefined)
    throw new EncryptionError('MixedFormats', 'V1, V2')
  return fields
}

function wrapOfCode(code: string): WrapAlgorithm {
  for (const [name, row] of Object.entries(WRAP_ALGORITHMS)) if (row.code === code) return name as WrapAlgorithm
  throw malformed(`${FIELD.wrap3} is unknown`)
}

function required(fields: Fields, name: FieldName): string {
  const value = fields[name]
  if (value === undefined) throw malformed(`${name} is missing`)
  return value
}

function base64(fields: Fields, name: FieldName, length?: number): Uint8Array {
  const bytes = decodeBase64(required(fields, name))
  if (length !== undefined && bytes.length !== length) throw malformed(`${name} is not ${length} bytes`)
  return bytes
}

const parseDescription = (text: string, name: string): Description =>
  asDescription(parseJson(metadataText(text), name), name)

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed(`${name} is not JSON`)
  }
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`${name} is not an object`)
  return value as Record<string, unknown>
}

function asDescription(value: unknown, name: string): Description {
  const object = asObject(value, name)
  for (const text of Object.values(object))
    if (typeof text !== 'string') throw malformed(`${name} holds what is no text`)
  return object as Description
}

const malformed = (detail: string) => new EncryptionError('MalformedEnvelope', detail)
