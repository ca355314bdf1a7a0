/** Options of an encrypting client, with their defaults and what fits with what. */
import { COMMITMENT_POLICIES, type CommitmentPolicy, type LegacySwitches } from '../commitment-policy.ts'
import type { EnvelopeLocation } from '../envelope/envelope.ts'
import { EncryptionError } from '../errors.ts'
import type { Keyring } from '../keyrings/keyring.ts'
import { MAX_GCM_BYTES } from '../suites.ts'

/** What is written: the S3 Encryption Client's format, or Strongroom's. docs/client/formats.md says which when. */
export type WriteFormat = 's3-encryption-client' | 'sealed'

/** How bodies that exceed `bufferBytes` are held back until they have authenticated. */
export type LargeBodies = 'spill' | 'read-twice' | 'refuse'

/** How bodies are encrypted and decrypted. */
export interface EncryptionOptions extends LegacySwitches {
  /** Wraps the data keys of what is written, and opens those of what is read. */
  readonly keyring: Keyring
  /** Default `s3-encryption-client`. Every format that the policy allows is read, whichever is written. */
  readonly format?: WriteFormat
  /** Default REQUIRE_ENCRYPT_REQUIRE_DECRYPT. The sealed format always commits to its key. */
  readonly commitmentPolicy?: CommitmentPolicy
  /** A body of the S3 Encryption Client's formats is kept in memory up to this many bytes; default 16 MiB. */
  readonly bufferBytes?: number
  /**
   * Larger ones: `spill` keeps the ciphertext in a private temporary file, `read-twice` fetches it again, `refuse`
   * fails. Default `spill`, and `refuse` where the platform has no files, as in browsers.
   */
  readonly largeBodies?: LargeBodies
}

/** How objects are stored besides. */
export interface EncryptingClientOptions extends EncryptionOptions {
  /** Where the wrapped key of new objects goes; default `metadata`. The sealed format has no instruction files. */
  readonly envelope?: EnvelopeLocation
  /** Of instruction files that are read; default `.instruction`, which is always the one for new objects. */
  readonly instructionFileSuffix?: string
  /** Of multipart uploads, 5 MiB at least; default 7 MiB, which is 68 GiB in 10,000 parts, and more where the length needs it. */
  readonly partBytes?: number
  /** Parts under way at once; default 4. */
  readonly uploadConcurrency?: number
}

export type EncryptionSettings = Required<EncryptionOptions>
export type ClientSettings = Required<EncryptingClientOptions>

export const INSTRUCTION_FILE_SUFFIX = '.instruction'
const MIN_PART_BYTES = 5 * 2 ** 20

/** Throws EncryptionError InvalidConfiguration. `hasFiles`: whether this platform can do without memory. */
export function encryptionSettings(options: EncryptionOptions, hasFiles: boolean): EncryptionSettings {
  const settings: EncryptionSettings = {
    keyring: options.keyring,
    format: options.format ?? 's3-encryption-client',
    commitmentPolicy: options.commitmentPolicy ?? 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT',
    bufferBytes: options.bufferBytes ?? 16 * 2 ** 20,
    largeBodies: options.largeBodies ?? (hasFiles ? 'spill' : 'refuse'),
    enableLegacyWrappingAlgorithms: options.enableLegacyWrappingAlgorithms ?? false,
    enableLegacyUnauthenticatedModes: options.enableLegacyUnauthenticatedModes ?? false,
  }
  require(typeof settings.keyring?.generate === 'function', 'keyring')
  require(['s3-encryption-client', 'sealed'].includes(settings.format), 'format')
  require(Object.hasOwn(COMMITMENT_POLICIES, settings.commitmentPolicy), 'commitmentPolicy')
  require(isCount(settings.bufferBytes, 16, MAX_GCM_BYTES), 'bufferBytes is 16 bytes to 2^36 - 32')
  require(['spill', 'read-twice', 'refuse'].includes(settings.largeBodies), 'largeBodies')
  require(hasFiles || settings.largeBodies === 'refuse', 'this platform can only refuse large bodies')
  return settings
}

/** As {@link encryptionSettings}. */
export function clientSettings(options: EncryptingClientOptions, hasFiles: boolean): ClientSettings {
  const settings: ClientSettings = {
    ...encryptionSettings(options, hasFiles),
    envelope: options.envelope ?? 'metadata',
    instructionFileSuffix: options.instructionFileSuffix ?? INSTRUCTION_FILE_SUFFIX,
    partBytes: options.partBytes ?? 7 * 2 ** 20,
    uploadConcurrency: options.uploadConcurrency ?? 4,
  }
  require(['metadata', 'instruction-file'].includes(settings.envelope), 'envelope')
  require(settings.format !== 'sealed' ||
    settings.envelope === 'metadata', 'the sealed format has no instruction files')
  require(settings.instructionFileSuffix !== '', 'instructionFileSuffix is empty')
  require(isCount(settings.partBytes, MIN_PART_BYTES, 5 * 2 ** 30), 'partBytes is 5 MiB to 5 GiB')
  require(isCount(settings.uploadConcurrency, 1, 1000), 'uploadConcurrency')
  return settings
}

const isCount = (value: number, least: number, most: number) =>
  Number.isSafeInteger(value) && value >= least && value <= most

function require(holds: boolean, what: string): void {
  if (!holds) throw new EncryptionError('InvalidConfiguration', what)
}
