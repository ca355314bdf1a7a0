/** `strongroom cse inspect`: what an object's envelope says. Needs no key, and so proves nothing. */
import type { EncryptionInfo } from '@strongroom/client'
import { openCseClient } from './cse-client.ts'
import { isEncryptionError, reasonOf } from './cse-errors.ts'
import type { CseFlags } from './cse-flags.ts'
import { loadClient } from './cse-sdk.ts'
import { EXIT } from './exit.ts'
import { parseObjectUrl } from './s3-url.ts'

export interface InspectFlags extends CseFlags {
  readonly json?: boolean
}

/** What is printed, null where nothing can be said. */
interface Inspection {
  readonly object: string
  readonly encrypted: boolean
  readonly storedBytes: number
  readonly plaintextBytes: number | null
  readonly encryption: EncryptionInfo | null
  readonly commitmentPolicy: string
  /** Why a reader with the flags given refuses it, whatever keys it has; null where it does not. */
  readonly refusal: string | null
}

const DEFAULT_POLICY = 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT'

export async function inspectCommand(source: string, flags: InspectFlags): Promise<number> {
  const { bucket: Bucket, key: Key } = parseObjectUrl(source)
  const { client, s3 } = await openCseClient(flags, 'look')
  try {
    const { Encryption, ContentLength } = await client.headObject({ Bucket, Key })
    const inspection: Inspection = {
      object: source,
      encrypted: Encryption !== undefined,
      storedBytes: Encryption?.sealedBytes ?? ContentLength ?? 0,
      plaintextBytes: ContentLength ?? null,
      encryption: Encryption ?? null,
      commitmentPolicy: flags.commitmentPolicy ?? DEFAULT_POLICY,
      refusal: Encryption ? ((await refusalOf(Encryption, flags)) ?? null) : null,
    }
    process.stdout.write(flags.json ? `${JSON.stringify(inspection, undefined, 2)}\n` : inspectionText(inspection))
    return EXIT.done
  } finally {
    s3.destroy()
  }
}

async function refusalOf(encryption: EncryptionInfo, flags: CseFlags): Promise<string | undefined> {
  const { requireReadable } = await loadClient()
  try {
    requireReadable(
      { ...encryption, wrapped: encryption.wraps },
      {
        commitmentPolicy: (flags.commitmentPolicy ?? DEFAULT_POLICY) as typeof DEFAULT_POLICY,
        enableLegacyWrappingAlgorithms: flags.legacyWrapping === true,
        enableLegacyUnauthenticatedModes: flags.legacyUnauthenticated === true,
      },
    )
    return undefined
  } catch (error) {
    if (isEncryptionError(error)) return reasonOf(error)
    throw error
  }
}

function inspectionText(inspection: Inspection): string {
  const { object, encryption, storedBytes, plaintextBytes, commitmentPolicy, refusal } = inspection
  if (!encryption) return `${object}\n  not encrypted by a client; ${storedBytes} bytes\n`
  const { format, contentAlgorithm, location, wraps, encryptionContext } = encryption
  const lines = [
    object,
    `  format     ${format === 'sealed' ? 'sealed (Strongroom)' : `${format} (S3 Encryption Client)`}`,
    `  content    ${ALGORITHMS[contentAlgorithm]}`,
    `  envelope   ${location === 'metadata' ? 'in the metadata' : 'in an instruction file'}`,
    ...wraps.map(({ algorithm, description }) => `  key        ${wrapText(algorithm, description)}`),
    ...(encryptionContext ? [`  context    ${JSON.stringify(encryptionContext)}`] : []),
    `  size       ${plaintextBytes ?? 'unknown'} bytes, stored as ${storedBytes}`,
    `  policy     ${commitmentPolicy}: ${refusal === null ? 'reads it, with the key' : `refuses it: ${refusal}`}`,
  ]
  return `${lines.join('\n')}\n`
}

const ALGORITHMS: Readonly<Record<EncryptionInfo['contentAlgorithm'], string>> = {
  '115': 'AES-256-GCM, commits to its key (115)',
  'AES/GCM/NoPadding': 'AES-256-GCM',
  'AES/CBC/PKCS5Padding': 'AES-256-CBC, which nothing authenticates',
  'strongroom/sealed/1': 'AES-256-GCM by segments, commits to its key (strongroom/sealed/1)',
}

const WRAPS: Readonly<Record<EncryptionInfo['wraps'][number]['algorithm'], string>> = {
  'AES/GCM': 'an AES key',
  'kms+context': 'a KMS key',
  'RSA-OAEP-SHA1': 'an RSA key',
  kms: 'a KMS key, in the legacy way',
  AESWrap: 'an AES key, in a legacy way',
  'RSA/ECB/OAEPWithSHA-256AndMGF1Padding': 'an RSA key, in a legacy way',
  AES: 'an AES key, in the way of format V1',
}

function wrapText(algorithm: keyof typeof WRAPS, description: Readonly<Record<string, string>>): string {
  const who = algorithm === 'AES/GCM' && 'strongroom-kdf' in description ? 'a passphrase' : WRAPS[algorithm]
  return `${who} (${algorithm}) ${JSON.stringify(description)}`
}
