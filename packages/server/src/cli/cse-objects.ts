/** Many objects of a bucket, one after another, as `rewrap` and `migrate` meet them. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { EncryptingClient } from '@strongroom/client'
import { isEncryptionError, reasonOf } from './cse-errors.ts'
import { loadS3 } from './cse-sdk.ts'
import type { S3Url } from './s3-url.ts'

/** The keys under a prefix, in the store's order, behind `after`. */
export async function* keysUnder(s3: S3Client, { bucket, key: prefix }: S3Url, after?: string): AsyncGenerator<string> {
  const { ListObjectsV2Command } = await loadS3()
  const common = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' } as const
  let from: { readonly StartAfter?: string; readonly ContinuationToken?: string } =
    after === undefined ? {} : { StartAfter: after }
  for (;;) {
    const page = await s3.send(new ListObjectsV2Command({ ...common, ...from }))
    // In the form of a query, where a space is a plus; keys in clear could hold what XML cannot.
    for (const { Key = '' } of page.Contents ?? []) yield decodeURIComponent(Key.replaceAll('+', ' '))
    if (!page.IsTruncated || page.NextContinuationToken === undefined) return
    from = { ContinuationToken: page.NextContinuationToken }
  }
}

/** The marker that writers put on instruction files, as user metadata. */
const MARKER = 'x-amz-crypto-instr-file'
const DEFAULT_SUFFIX = '.instruction'

/**
 * Whether an object with this metadata is the instruction file of another: by its marker, or, since not every writer
 * sets one, by the object that its name speaks of.
 */
export async function isInstructionFile(
  client: EncryptingClient,
  { bucket: Bucket, key }: S3Url,
  metadata: Readonly<Record<string, string>> | undefined,
  suffix = DEFAULT_SUFFIX,
): Promise<boolean> {
  if (metadata && MARKER in metadata) return true
  if (!key.endsWith(suffix) || key.length === suffix.length) return false
  try {
    const { Encryption } = await client.headObject({ Bucket, Key: key.slice(0, -suffix.length) })
    return Encryption?.location === 'instruction-file'
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

const isNamed = (names: readonly string[]) => (error: unknown) => error instanceof Error && names.includes(error.name)

/** Deleted since it was listed; a reply to HEAD says NotFound. */
export const isGone = isNamed(['NoSuchKey', 'NotFound'])

/** Somebody else has written it since it was looked at, or does just now. */
export const isContended = isNamed(['PreconditionFailed', 'ConditionalRequestConflict', 'OperationAborted'])

export const isNotEncrypted = (error: unknown): boolean => isEncryptionError(error) && error.code === 'NotEncrypted'

/** Of one object that others change at the same time. */
const MOST_CONTENDED = 20

/**
 * What became of an object: what `once` says, which is asked again while others write the object; `gone`, or `failed` with the
 * reason. Rejects only where `signal` has aborted.
 */
export async function outcomeOf<Done extends string>(
  once: () => Promise<Done>,
  signal: AbortSignal,
): Promise<{ readonly outcome: Done | 'gone' | 'failed'; readonly reason?: string }> {
  for (let contended = 0; ; contended++) {
    try {
      signal.throwIfAborted()
      return { outcome: await once() }
    } catch (error) {
      signal.throwIfAborted()
      if (isGone(error)) return { outcome: 'gone' }
      if (!isContended(error)) return { outcome: 'failed', reason: reasonOf(error) }
      if (contended === MOST_CONTENDED) return { outcome: 'failed', reason: 'others do not cease to write it' }
    }
  }
}

export interface Failure {
  readonly key: string
  readonly reason: string
}

/** How many objects came to which end, and the names of those that failed. */
export class Tally<Outcome extends string> {
  readonly counts: Record<Outcome, number>
  readonly failed: Failure[] = []

  constructor(outcomes: readonly Outcome[]) {
    this.counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>
  }

  add(key: string, { outcome, reason }: { readonly outcome: Outcome | 'failed'; readonly reason?: string }): void {
    if (outcome === 'failed') this.failed.push({ key, reason: reason ?? '' })
    else this.counts[outcome]++
  }

  /** `words`: what is said of a count, in order; a count of nothing is left out but for the first. */
  text(title: string, words: readonly (readonly [outcome: Outcome, text: string])[]): string {
    const lines = words
      .filter(([outcome], index) => index === 0 || this.counts[outcome] > 0)
      .map(([outcome, text]) => `  ${this.counts[outcome]} ${text}`)
    if (this.failed.length > 0) lines.push(`  ${this.failed.length} failed:`)
    for (const { key, reason } of this.failed) lines.push(`    ${key}: ${reason}`)
    return `${[title, ...lines].join('\n')}\n`
  }
}
