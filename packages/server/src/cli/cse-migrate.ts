/**
 * `strongroom cse migrate`: encrypts all plain objects of a bucket in their places. What is encrypted already is passed
 * over, so that a run that was cut off is begun again, and with a state file goes on where it was.
 */
import { randomUUID } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import { inParallel } from '../core/in-parallel.ts'
import { openCseClient, tell } from './cse-client.ts'
import { type CseFlags, concurrencyOf } from './cse-flags.ts'
import { MIGRATION_OUTCOMES, type MigrationOutcome, migrateObject } from './cse-migrate-object.ts'
import { MigrationState } from './cse-migration-state.ts'
import { keysUnder, outcomeOf, Tally } from './cse-objects.ts'
import { loadS3 } from './cse-sdk.ts'
import { EXIT, UsageError } from './exit.ts'
import { interruptible } from './interruption.ts'
import { ProgressBar } from './progress-bar.ts'
import { parseS3Url, s3Url } from './s3-url.ts'

export interface MigrateFlags extends CseFlags {
  readonly state?: string
  readonly dryRun?: boolean
  readonly concurrency?: string
  readonly json?: boolean
}

export async function migrateCommand(target: string, flags: MigrateFlags): Promise<number> {
  const url = parseS3Url(target)
  const concurrency = concurrencyOf(flags.concurrency)
  const dryRun = flags.dryRun === true
  if (flags.instructionFile)
    throw new UsageError(
      'migrate puts an object in one write, which an envelope in an instruction file would make two of',
    )
  const cse = await openCseClient(flags, dryRun ? 'look' : 'write', true)
  const { s3, connection } = cse
  try {
    if (!dryRun) await requireIfMatch(s3, url.bucket)
    const versions = await versionsOf(s3, url.bucket)
    const name = { endpoint: connection.endpoint, target: s3Url(url) }
    const state = await MigrationState.open(dryRun ? undefined : flags.state, name)
    if (state.after !== undefined) tell(flags, `going on behind ${state.after}`)

    const tally = new Tally<MigrationOutcome>(MIGRATION_OUTCOMES)
    let bytes = 0
    const keys = async function* () {
      yield* state.failedBefore
      for await (const key of keysUnder(s3, url, state.after)) {
        state.begun(key)
        yield key
      }
    }
    const bar = flags.quiet || process.stderr.isTTY !== true ? undefined : new ProgressBar(`migrate ${target}`)
    let total = state.failedBefore.length
    if (bar) for await (const _ of keysUnder(s3, url, state.after)) total++
    let done = 0
    try {
      await interruptible((abortSignal) =>
        inParallel(keys(), concurrency, async (key) => {
          const options = {
            dryRun,
            abortSignal,
            instructionFileSuffix: flags.instructionFileSuffix,
            onBytes: (count: number) => {
              bytes += count
            },
          }
          const end = await outcomeOf(() => migrateObject(cse, { ...url, key }, options), abortSignal)
          tally.add(key, end)
          await state.ended(key, end.outcome === 'failed')
          bar?.show(++done, Math.max(done, total))
        }),
      )
      await state.finish()
    } catch (error) {
      await state.save()
      tell(flags, `cut off after ${tally.counts.encrypted} were encrypted; the same command goes on`)
      throw error
    } finally {
      bar?.end()
    }
    const { counts, failed } = tally
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ target, dryRun, bytes, ...counts, failed, versions }, undefined, 2)}\n`
        : summary(target, tally, { bytes, dryRun, versions, keptState: failed.length > 0 ? flags.state : undefined }),
    )
    return failed.length === 0 ? EXIT.done : EXIT.failed
  } finally {
    s3.destroy()
  }
}

interface SummaryFacts {
  readonly bytes: number
  readonly dryRun: boolean
  readonly versions: Versions
  readonly keptState: string | undefined
}

function summary(
  target: string,
  tally: Tally<MigrationOutcome>,
  { bytes, dryRun, versions, keptState }: SummaryFacts,
): string {
  const text = tally.text(target, [
    ['encrypted', `${dryRun ? 'would be encrypted' : 'encrypted'}, ${bytes} bytes`],
    ['already', 'were encrypted already'],
    ['instructionFile', 'are instruction files'],
    ['gone', 'were deleted meanwhile'],
  ])
  const state =
    keptState === undefined ? '' : `Those that failed are in ${keptState}; the same command tries them again.\n`
  return `${text}${state}${OLDER_VERSIONS[versions]}`
}

type Versions = 'none' | 'kept' | 'unknown'

const OLDER_VERSIONS: Readonly<Record<Versions, string>> = {
  none: '',
  kept:
    'The bucket keeps versions: the older ones stay IN CLEAR until they are deleted, those that were just replaced among\n' +
    'them.\n',
  unknown:
    'The store does not say whether the bucket keeps versions: if it does, the older ones stay IN CLEAR until they are\n' +
    'deleted, those that were just replaced among them.\n',
}

/** Also of a bucket whose versioning is suspended, since what it had stays. */
async function versionsOf(s3: S3Client, bucket: string): Promise<Versions> {
  const { GetBucketVersioningCommand } = await loadS3()
  try {
    return (await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status === undefined ? 'none' : 'kept'
  } catch (error) {
    if (REFUSALS.includes((error as Error).name)) return 'unknown'
    throw error
  }
}

const REFUSALS = ['AccessDenied', 'NotImplemented', 'MethodNotAllowed']

/**
 * Throws an Error where the store does not keep to If-Match, by which alone a write of somebody else's is safe. Asked of
 * a name that nothing has: who keeps to it writes nothing there.
 */
async function requireIfMatch(s3: S3Client, bucket: string): Promise<void> {
  const { PutObjectCommand, DeleteObjectCommand } = await loadS3()
  const probe = { Bucket: bucket, Key: `.strongroom-probe-${randomUUID()}` }
  try {
    await s3.send(
      new PutObjectCommand({ ...probe, IfMatch: '"00000000000000000000000000000000"', Body: '', ContentLength: 0 }),
    )
  } catch (error) {
    const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } }
    if (name !== 'NoSuchBucket' && ($metadata?.httpStatusCode === 404 || $metadata?.httpStatusCode === 412)) return
    throw error
  }
  await s3.send(new DeleteObjectCommand(probe))
  throw new Error(
    'this store takes no notice of If-Match, so that a write at the same time could be lost; nothing was done',
  )
}
