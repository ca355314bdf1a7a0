/**
 * `strongroom cse rewrap`: another wrapping key for objects that are there; their bodies stay as they are. What the new key
 * wraps already is passed over, so that a run that was cut off is simply begun again.
 */
import { inParallel } from '../core/in-parallel.ts'
import { openCseClient } from './cse-client.ts'
import { type CseFlags, concurrencyOf, type KeySource } from './cse-flags.ts'
import { keyringOf } from './cse-keyring.ts'
import { isInstructionFile, isNotEncrypted, keysUnder, outcomeOf, Tally } from './cse-objects.ts'
import { EXIT, UsageError } from './exit.ts'
import { interruptible } from './interruption.ts'
import { ProgressBar } from './progress-bar.ts'
import { parseS3Url } from './s3-url.ts'

export interface CseRewrapFlags extends CseFlags {
  readonly newKeys?: readonly KeySource[]
  readonly recursive?: boolean
  readonly concurrency?: string
  readonly json?: boolean
}

const OUTCOMES = ['rewrapped', 'already', 'plain', 'instructionFile', 'gone'] as const
type Outcome = (typeof OUTCOMES)[number]

const WORDS = [
  ['rewrapped', 'rewrapped'],
  ['already', 'were under the new key already'],
  ['plain', 'are not encrypted by a client and stay so'],
  ['gone', 'were deleted meanwhile'],
] as const satisfies readonly (readonly [Outcome, string])[]

export async function cseRewrapCommand(target: string, flags: CseRewrapFlags): Promise<number> {
  const url = parseS3Url(target)
  const concurrency = concurrencyOf(flags.concurrency)
  if (url.key === '' && !flags.recursive)
    throw new UsageError('name an object, or give --recursive for all of a bucket')
  const { client, s3, connection, encryptionContext } = await openCseClient(flags, 'read', true)
  const newKeyring = await keyringOf(flags.newKeys, { connection, flags, writes: true, prefix: '--to-' })

  const rewrap = (key: string, abortSignal: AbortSignal) =>
    client.rewrapObject(
      { Bucket: url.bucket, Key: key },
      { newKeyring, encryptionContext, abortSignal, passOverWrapped: true },
    )
  const rewrapOfMany = async (key: string, abortSignal: AbortSignal): Promise<Outcome> => {
    try {
      return (await rewrap(key, abortSignal)) ? 'rewrapped' : 'already'
    } catch (error) {
      if (!isNotEncrypted(error)) throw error
      const { Metadata } = await client.headObject({ Bucket: url.bucket, Key: key })
      const at = { bucket: url.bucket, key }
      return (await isInstructionFile(client, at, Metadata, flags.instructionFileSuffix)) ? 'instructionFile' : 'plain'
    }
  }

  try {
    const tally = new Tally<Outcome>(OUTCOMES)
    await interruptible(async (signal) => {
      if (!flags.recursive) {
        tally.add(url.key, { outcome: (await rewrap(url.key, signal)) ? 'rewrapped' : 'already' })
        return
      }
      const bar = flags.quiet || process.stderr.isTTY !== true ? undefined : new ProgressBar(`rewrap ${target}`)
      let total = 0
      if (bar) for await (const _ of keysUnder(s3, url)) total++
      let done = 0
      await inParallel(keysUnder(s3, url), concurrency, async (key) => {
        tally.add(key, await outcomeOf(() => rewrapOfMany(key, signal), signal))
        bar?.show(++done, Math.max(done, total))
      })
      bar?.end()
    })
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ target, ...tally.counts, failed: tally.failed }, undefined, 2)}\n`
        : tally.text(target, WORDS),
    )
    return tally.failed.length === 0 ? EXIT.done : EXIT.failed
  } finally {
    s3.destroy()
  }
}
