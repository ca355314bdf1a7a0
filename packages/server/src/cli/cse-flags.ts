/** Flags that the commands of client-side encryption share. */
import type { EncryptingClientOptions } from '@strongroom/client'
import type { ConnectionFlags } from './connection.ts'
import { UsageError } from './exit.ts'

/** Where a wrapping key is. */
export interface KeySource {
  readonly kind: 'file' | 'kms' | 'passphrase-file' | 'passphrase'
  /** A path, or the id, ARN or alias of a KMS key; of a passphrase that is asked for, nothing. */
  readonly value: string
}

export interface CseFlags extends ConnectionFlags {
  readonly pathStyle?: boolean
  readonly kmsEndpoint?: string
  /** In the order of the command line. */
  readonly keys?: readonly KeySource[]
  readonly context?: readonly string[]
  readonly format?: string
  readonly commitmentPolicy?: string
  readonly legacyWrapping?: boolean
  readonly legacyUnauthenticated?: boolean
  readonly instructionFile?: boolean
  readonly instructionFileSuffix?: string
  readonly quiet?: boolean
}

/** Options of the client, but for the keyring; it says itself which values it does not know. Throws UsageError. */
export function clientOptions(flags: CseFlags): Omit<EncryptingClientOptions, 'keyring'> {
  const { format, commitmentPolicy, instructionFileSuffix } = flags
  if (format === 'sealed' && flags.instructionFile)
    throw new UsageError('the sealed format has no instruction files; leave --instruction-file or --format sealed out')
  return {
    enableLegacyWrappingAlgorithms: flags.legacyWrapping === true,
    enableLegacyUnauthenticatedModes: flags.legacyUnauthenticated === true,
    ...(format !== undefined && { format: format as NonNullable<EncryptingClientOptions['format']> }),
    ...(commitmentPolicy !== undefined && {
      commitmentPolicy: commitmentPolicy as NonNullable<EncryptingClientOptions['commitmentPolicy']>,
    }),
    ...(flags.instructionFile && { envelope: 'instruction-file' }),
    ...(instructionFileSuffix !== undefined && { instructionFileSuffix }),
  }
}

/** `name=value` of a flag that may come more than once. Throws UsageError. */
export function namedValues(flag: string, texts: readonly string[] = []): Readonly<Record<string, string>> {
  const values: Record<string, string> = Object.create(null)
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`${flag} takes name=value, not ${text}`)
    const name = text.slice(0, at)
    if (name in values) throw new UsageError(`${flag} has ${name} twice`)
    values[name] = text.slice(at + 1)
  }
  return { ...values }
}

/** How many objects at once; default 8. Throws UsageError. */
export function concurrencyOf(text = '8'): number {
  const given = Number(text)
  if (!Number.isInteger(given) || given < 1 || given > 64) throw new UsageError('--concurrency takes 1 to 64')
  return given
}
