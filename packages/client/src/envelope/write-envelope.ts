/** An envelope as user metadata, or as user metadata and an instruction file. Pure. */
import { encodeBase64 } from '../base64.ts'
import { EncryptionError } from '../errors.ts'
import type { WrappedDataKey } from '../keyrings/keyring.ts'
import { WRAP_ALGORITHMS } from '../suites.ts'
import { type Envelope, type EnvelopeLocation, FIELD, isEnvelopeField } from './envelope.ts'
import { asciiJson } from './metadata-text.ts'

export interface WrittenEnvelope {
  /** User metadata of the object, names without prefix. */
  readonly metadata: Readonly<Record<string, string>>
  /** Text of the instruction file, where the envelope has one. */
  readonly instructionFile?: string
}

/** Throws EncryptionError UnsupportedParameter where the format knows no instruction file. */
export function writeEnvelope(envelope: Envelope, location: EnvelopeLocation): WrittenEnvelope {
  const { object, keys } = fieldsOf(envelope)
  if (location === 'metadata') return { metadata: { ...object, ...keys } }
  if (envelope.format === 'sealed')
    throw new EncryptionError('UnsupportedParameter', 'the sealed format has no instruction files')
  // Formats V1 and V2 have the whole envelope in the file.
  return envelope.format === 'V3'
    ? { metadata: object, instructionFile: asciiJson(keys) }
    : { metadata: {}, instructionFile: asciiJson({ ...object, ...keys }) }
}

type Fields = Readonly<Record<string, string>>

/** `keys` is what changes when the wrapping key does. */
function fieldsOf(envelope: Envelope): { readonly object: Fields; readonly keys: Fields } {
  const [wrapped] = envelope.wrapped
  switch (envelope.format) {
    case 'V3':
      return {
        object: {
          [FIELD.content3]: envelope.contentAlgorithm,
          [FIELD.commitment3]: encodeBase64(envelope.commitment),
          [FIELD.messageId3]: encodeBase64(envelope.messageId),
        },
        keys: {
          [FIELD.key3]: encodeBase64(wrapped!.bytes),
          [FIELD.wrap3]: codeOf(wrapped!),
          ...description3(wrapped!),
        },
      }
    case 'V1':
    case 'V2':
      return {
        object: {
          [FIELD.iv]: encodeBase64(envelope.iv),
          [FIELD.contentAlgorithm]: envelope.contentAlgorithm,
          ...(envelope.contentAlgorithm === 'AES/GCM/NoPadding' && { [FIELD.tagBits]: '128' }),
        },
        keys: {
          [FIELD.key2]: encodeBase64(wrapped!.bytes),
          [FIELD.wrapAlgorithm]: wrapped!.algorithm,
          [FIELD.description]: asciiJson(wrapped!.description),
        },
      }
    case 'sealed':
      return {
        object: {
          [FIELD.sealedVersion]: '1',
          [FIELD.sealedHeader]: encodeBase64(envelope.header),
          ...(isEmpty(envelope.encryptionContext)
            ? {}
            : { [FIELD.sealedContext]: asciiJson(envelope.encryptionContext) }),
        },
        keys: {
          [FIELD.sealedKeys]: asciiJson(
            envelope.wrapped.map((each) => ({
              w: codeOf(each),
              k: encodeBase64(each.bytes),
              ...(isEmpty(each.description) ? {} : { m: each.description }),
            })),
          ),
        },
      }
  }
}

function description3(wrapped: WrappedDataKey): Fields {
  if (wrapped.algorithm === 'kms+context') return { [FIELD.context3]: asciiJson(wrapped.description) }
  return isEmpty(wrapped.description) ? {} : { [FIELD.description3]: asciiJson(wrapped.description) }
}

function codeOf(wrapped: WrappedDataKey): string {
  const { code } = WRAP_ALGORITHMS[wrapped.algorithm]
  if (code === undefined) throw new EncryptionError('InvalidConfiguration', `${wrapped.algorithm} is only read`)
  return code
}

const isEmpty = (description: object) => Object.keys(description).length === 0

/** S3's limit on names and values of user metadata together, in UTF-8 (AWS, "Working with object metadata"). */
const MAX_METADATA_BYTES = 2048

/**
 * The caller's user metadata with the envelope's. Throws EncryptionError: ReservedName where the caller uses a name of
 * an envelope, EnvelopeTooLarge where S3 would refuse what comes of both.
 */
export function withUserMetadata(own: Fields | undefined, envelope: Fields): Record<string, string> {
  for (const name of Object.keys(own ?? {}))
    if (isEnvelopeField(name)) throw new EncryptionError('ReservedName', `user metadata ${name}`)
  const all = { ...own, ...envelope }
  const encoder = new TextEncoder()
  let bytes = 0
  for (const [name, value] of Object.entries(all)) bytes += encoder.encode(name + value).length
  if (bytes > MAX_METADATA_BYTES)
    throw new EncryptionError('EnvelopeTooLarge', `${bytes} bytes of user metadata, of ${MAX_METADATA_BYTES}`)
  return all
}
