/** The delivery of trails as the primary runs it: every few seconds, one look at a time. */
import { readFile } from 'node:fs/promises'
import type { EventJournal } from '../audit/audit-trail.ts'
import { journalDir } from '../audit/journals.ts'
import { systemClock } from '../core/clock.ts'
import type { Trail } from '../core/outcome.ts'
import { type RemoteBucket, RemoteRefusal, TrailBuckets } from '../delivery/trail-bucket.ts'
import { type DeliveryProblem, TrailDelivery } from '../delivery/trails.ts'
import { readProfile } from '../identity/credentials-file.ts'
import { JournalReader } from '../journal/journal-reader.ts'
import type { RemoteBucketSettings } from './config-file.ts'
import { dataFolder } from './data-folder.ts'
import { ConfigurationError } from './exit.ts'
import type { Settings } from './settings.ts'
import { type Connection, encoded, sendSigned } from './signed-client.ts'
import type { Store } from './store.ts'

/** Returns what ends it, after waiting for what is under way. Throws ConfigurationError where a remote bucket cannot be. */
export async function deliverTrails(
  settings: Settings,
  store: Store,
  trail: Trail,
  complain: (text: string) => void,
): Promise<() => Promise<void>> {
  const { deliverySeconds, digestSeconds, remoteBuckets } = settings.file.cloudtrail
  const { auditDir } = dataFolder(settings.dataDir)
  const journal = (name: EventJournal) =>
    new JournalReader({ dir: journalDir(auditDir, name), name, records: store.records })
  const services = { ...store, trail, clock: systemClock, region: settings.region }
  const delivery = new TrailDelivery({
    ...store,
    journals: { management: journal('management'), data: journal('data') },
    buckets: new TrailBuckets(services, await openRemoteBuckets(remoteBuckets)),
    regions: store.keyRegions.names,
    clock: systemClock,
    deliverySeconds,
    digestSeconds,
  })
  /** What was said of a trail last: the same is not said again and again. */
  const said = new Map<string, string>()
  const tell = (problems: readonly DeliveryProblem[]) => {
    for (const { trailArn, error } of problems) {
      const text = `${trailArn} cannot deliver: ${(error as Error).message}`
      if (said.get(trailArn) !== text) complain(text)
      said.set(trailArn, text)
    }
    for (const trailArn of said.keys()) {
      if (!problems.some((problem) => problem.trailArn === trailArn)) said.delete(trailArn)
    }
  }

  let running: Promise<void> | undefined
  const run = async () => {
    tell(await delivery.run())
    await store.flushKeyUsage()
  }
  const timer = setInterval(
    () => {
      running ??= run()
        .catch((error: Error) => complain(`the delivery of trails failed: ${error.message}`))
        .finally(() => {
          running = undefined
        })
    },
    Math.min(deliverySeconds * 1000, digestSeconds * 1000, EVERY_MS),
  )
  return async () => {
    clearInterval(timer)
    await running
  }
}

async function openRemoteBuckets(
  settings: Readonly<Record<string, RemoteBucketSettings>>,
): Promise<ReadonlyMap<string, RemoteBucket>> {
  const opened = Object.entries(settings).map(async ([bucket, one]) => {
    const fail = (error: Error) => {
      throw new ConfigurationError(`cloudtrail.remoteBuckets.${bucket}: ${error.message}`, { cause: error })
    }
    const connection: Connection = {
      endpoint: one.endpoint,
      ca: one.caFile === undefined ? undefined : await readFile(one.caFile, 'utf8').catch(fail),
      credentials: await readProfile(one.credentialsFile, one.profile).catch(fail),
      region: one.region,
    }
    return [bucket, remoteBucket(bucket, connection)] as const
  })
  return new Map(await Promise.all(opened))
}

const remoteBucket = (bucket: string, connection: Connection): RemoteBucket => ({
  async put(objectKey, body, headers) {
    const { status, body: reply } = await sendSigned(connection, {
      method: 'PUT',
      path: `/${bucket}/${objectKey.split('/').map(encoded).join('/')}`,
      headers,
      body: Buffer.from(body.buffer, body.byteOffset, body.length),
      timeoutMs: REMOTE_TIMEOUT_MS,
    })
    if (status === 200) return
    const text = reply.toString('utf8')
    const told = (element: string) => new RegExp(`<${element}>([^<]*)</${element}>`).exec(text)?.[1]
    throw new RemoteRefusal(told('Code') ?? `Status${status}`, told('Message') ?? `HTTP status ${status}`)
  },
})

const EVERY_MS = 5_000
const REMOTE_TIMEOUT_MS = 60_000
