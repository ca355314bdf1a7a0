/** An encrypting client of what the flags say. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { EncryptingClient, RequestOptions } from '@strongroom/client'
import { resolveConnection } from './connection.ts'
import { type CseFlags, clientOptions, namedValues } from './cse-flags.ts'
import { keyringOf, noKeyring } from './cse-keyring.ts'
import { loadClient, s3ClientOf } from './cse-sdk.ts'
import { ProgressBar } from './progress-bar.ts'
import type { Connection } from './signed-client.ts'

export interface CseClient {
  readonly client: EncryptingClient
  /** Which encrypts nothing. */
  readonly s3: S3Client
  readonly connection: Connection
  readonly encryptionContext: Readonly<Record<string, string>>
}

export type Purpose = 'write' | 'read' | 'look'

/** Throws UsageError, ConfigurationError, and MissingPackageError where the SDK is not installed. */
export async function openCseClient(flags: CseFlags, purpose: Purpose, bulk = false): Promise<CseClient> {
  const options = clientOptions(flags)
  const encryptionContext = namedValues('--context', flags.context)
  const connection = await resolveConnection(flags, process.env)
  const keyring =
    purpose === 'look'
      ? noKeyring
      : await keyringOf(flags.keys, { connection, flags, writes: purpose === 'write', prefix: '--' })
  const { createEncryptingClient } = await loadClient()
  const s3 = await s3ClientOf(connection, flags, bulk)
  return { client: createEncryptingClient(s3, { ...options, keyring }), s3, connection, encryptionContext }
}

/** Shows how far one body is, on a terminal only and where its length is known. */
export function bodyProgress(label: string, { quiet }: CseFlags): Pick<RequestOptions, 'onProgress'> & { end(): void } {
  if (quiet || process.stderr.isTTY !== true) return { end: () => {} }
  const bar = new ProgressBar(label)
  let shown = false
  return {
    onProgress({ bytes, totalBytes }) {
      if (totalBytes === undefined) return
      shown = true
      bar.show(bytes, totalBytes, 'bytes')
    },
    end() {
      if (shown) bar.end()
    },
  }
}

/** A line about what was done, for people who did not ask for silence. */
export function tell({ quiet }: CseFlags, text: string): void {
  if (!quiet) process.stderr.write(`${text}\n`)
}
