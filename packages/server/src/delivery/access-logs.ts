/**
 * The delivery of access logs: takes lines from the journal `access` and puts them into their target buckets, one object
 * for each source bucket and target at a time, as `logging.s3.amazonaws.com`. Run by one process.
 *
 * Before a pass puts anything it writes down how far it goes and when it is, from which the names of its objects follow; a
 * pass that a crash cuts off is done again and writes the same objects. What a target does not take is told and dropped, as
 * S3 drops it: its logs are best effort, and one bucket must not hold up the others. Any other failure ends the pass, which
 * is tried again.
 */
import { createHash } from 'node:crypto'
import { type FaultCode, isFault } from '../core/fault.ts'
import type { Position } from '../journal/frame.ts'
import type { JournalReader } from '../journal/journal-reader.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { defineRecord } from '../records/record-store.ts'
import { type AccessLogEntry, type AccessLogTarget, decodeEntry } from './access-log-entry.ts'
import { logObjectKey } from './access-log-key.ts'
import { putAsService, type ServiceCallServices } from './service-call.ts'

export interface AccessLogDeliveryOptions {
  readonly records: RecordStore
  readonly journal: Pick<JournalReader, 'frames'>
  readonly services: ServiceCallServices
  /** How long a line may wait. */
  readonly deliverySeconds: number
  /** Told of what was dropped. */
  readonly onDropped: (dropped: DroppedLogs) => void
  /** How much is read at a time; it is held in memory. */
  readonly passBytes?: number
}

export interface DroppedLogs extends AccessLogTarget {
  readonly lines: number
  /** e.g. 'AccessDenied'. */
  readonly reason: FaultCode | 'TargetOwnerDiffers' | 'TargetEncryption'
}

/** How far logs are delivered. */
export interface AccessLogCheckpoint {
  /** The first frame that is not; absent: the first that there is. */
  readonly from?: Position | undefined
  /** A pass under way. */
  readonly pass?: { readonly until: Position; readonly atMs: number } | undefined
}

export const accessLogCheckpoint = defineRecord<AccessLogCheckpoint>({
  label: 'delivery of access logs',
  prefix: 'L',
  formatVersion: 1,
})

/** Lines that become one object. */
interface Batch {
  readonly target: AccessLogTarget
  /** Midnight of the lines' day, where the object's key is to tell it. */
  readonly dayMs: number | undefined
  readonly lines: string[]
}

export class AccessLogDelivery {
  readonly #options: AccessLogDeliveryOptions
  #deliveredAtMs = Number.NEGATIVE_INFINITY

  constructor(options: AccessLogDeliveryOptions) {
    this.#options = options
  }

  /** Delivers what there is, where it is time. */
  async run(): Promise<void> {
    const { services, deliverySeconds } = this.#options
    if (services.clock.nowMs() < this.#deliveredAtMs + deliverySeconds * 1000) return
    while (await this.#pass()) {}
    this.#deliveredAtMs = services.clock.nowMs()
  }

  /** False where there was nothing left. */
  async #pass(): Promise<boolean> {
    const stored = await this.#options.records.get(accessLogCheckpoint, NAME)
    const { from, pass: begun } = stored?.value ?? {}
    const { batches, until } = await this.#read(from, begun?.until)
    if (!until) return false
    const pass = begun ?? { until, atMs: this.#options.services.clock.nowMs() }
    const intent = begun ? stored : await this.#write(stored, { from, pass })
    for (const [id, batch] of batches) await this.#deliver(batch, pass.atMs, uniqueOf(from, id))
    await this.#write(intent, { from: until })
    return true
  }

  /** Up to `end`, or so many frames that they are enough for a pass; `until` undefined where there are none. */
  async #read(from: Position | undefined, end: Position | undefined) {
    const { journal, passBytes = PASS_BYTES } = this.#options
    const batches = new Map<string, Batch>()
    let until: Position | undefined
    let readBytes = 0
    for await (const { next, entries } of journal.frames(from)) {
      for (const { bytes } of entries) {
        readBytes += bytes.length
        addTo(batches, decodeEntry(bytes))
      }
      until = next
      if (end ? !isBefore(next, end) : readBytes >= passBytes) break
    }
    return { batches, until }
  }

  async #deliver({ target, dayMs, lines }: Batch, atMs: number, unique: string): Promise<void> {
    const { services, onDropped } = this.#options
    const { sourceBucket, sourceAccount, logging } = target
    const drop = (reason: DroppedLogs['reason']) => onDropped({ ...target, lines: lines.length, reason })
    try {
      const record = await services.buckets.find(logging.targetBucket)
      // Made anew by somebody else.
      if (record.accountId !== sourceAccount) return drop('TargetOwnerDiffers')
      // AWS delivers to no bucket whose default is a KMS key.
      if (record.encryption.algorithm !== 'AES256') return drop('TargetEncryption')
      await putAsService(services, {
        service: 'logging.s3.amazonaws.com',
        sourceArn: `arn:aws:s3:::${sourceBucket}`,
        sourceAccount,
        bucket: logging.targetBucket,
        key: logObjectKey({ ...target, region: services.region, deliveredAtMs: atMs, dayMs, unique }),
        body: Buffer.from(`${lines.join('\n')}\n`),
        headers: { 'content-type': 'text/plain' },
        ...(logging.grants && { grants: logging.grants }),
      })
    } catch (error) {
      if (!isFault(error) || TRIED_AGAIN.has(error.code)) throw error
      drop(error.code)
    }
  }

  /** Throws where somebody else has delivered meanwhile. */
  async #write(
    stored: Stored<AccessLogCheckpoint> | undefined,
    next: AccessLogCheckpoint,
  ): Promise<Stored<AccessLogCheckpoint> | undefined> {
    const { records } = this.#options
    const written = await records.commit(
      [records.still(accessLogCheckpoint, NAME, stored)],
      [records.put(accessLogCheckpoint, NAME, next)],
    )
    if (!written) throw new Error('access logs are delivered by two processes')
    return records.get(accessLogCheckpoint, NAME)
  }
}

function addTo(batches: Map<string, Batch>, { line, ...target }: AccessLogEntry): void {
  const { keyFormat } = target.logging
  const byDay = keyFormat?.kind === 'PartitionedPrefix' && keyFormat.dateSource === 'EventTime'
  const dayMs = byDay ? Math.floor(target.atMs / DAY_MS) * DAY_MS : undefined
  const about = { sourceBucket: target.sourceBucket, sourceAccount: target.sourceAccount, logging: target.logging }
  const id = JSON.stringify([about, dayMs])
  const batch = batches.get(id)
  if (batch) batch.lines.push(line)
  else batches.set(id, { target: about, dayMs, lines: [line] })
}

/** The same for the same lines: an object that is put again takes its own place. */
function uniqueOf(from: Position | undefined, id: string): string {
  const digest = createHash('sha256')
    .update(`${from?.segment ?? 0}/${from?.offset ?? 0}/${id}`)
    .digest('hex')
  return digest.slice(0, 16).toUpperCase()
}

const isBefore = (a: Position, b: Position) => a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)

const NAME = Buffer.from('access')
const PASS_BYTES = 32 * 1024 * 1024
const DAY_MS = 86_400_000
/** These say nothing of the target. */
const TRIED_AGAIN: ReadonlySet<FaultCode> = new Set(['Contention', 'Damaged', 'Sealed'])
