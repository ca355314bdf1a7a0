/**
 * Delivers a trail's log files: _read on from where the last ones ended, commit which files there will be and what of the
 * journals they hold, put them, commit that they are there._ A crash in between leaves the intent, and from it the same files
 * come about under the same names: no event is in two files, and none in no file.
 */
import type { RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { logFileKey, uniqueText } from '../trails/log-file-name.ts'
import {
  type DeliveryIntent,
  deliveredFileRecord,
  type IntendedFile,
  type Trail,
  type TrailStatus,
  trailNames,
} from '../trails/trail-records.ts'
import type { Trails } from '../trails/trails.ts'
import type { LogFileContent } from './log-file.ts'
import type { TrailBuckets } from './trail-bucket.ts'
import { type FileLimits, readTrail, type TrailContents, type TrailJournals } from './trail-reading.ts'

export interface LogFileDeliveryOptions {
  readonly trails: Trails
  readonly records: RecordStore
  readonly journals: TrailJournals
  readonly buckets: Pick<TrailBuckets, 'put'>
  /** That the server has. */
  readonly regions: readonly string[]
  readonly clock: { nowMs(): number }
  readonly limits?: FileLimits
}

export class LogFileDelivery {
  readonly #options: LogFileDeliveryOptions

  constructor(options: LogFileDeliveryOptions) {
    this.#options = options
  }

  /** Delivers all that there is at this moment. Resolves to the status as it is then. */
  async deliver(trail: Trail, status: TrailStatus): Promise<TrailStatus> {
    const { trails } = this.#options
    const { trailId } = status
    let current = status.delivery ? await this.#resume(trail, status.delivery) : status
    for (;;) {
      const { spans, read: from } = current
      const contents = await this.#read({ trail, spans, from })
      if (contents.files.size > 0) {
        const intent = this.#intend(trail, current, contents)
        current = await trails.changeStatus(trailId, (now) => ({
          ...now,
          delivery: intent,
          nextNumber: now.nextNumber + intent.files.length,
        }))
        current = await this.#put(intent, contents.files)
      } else if (!isDeepSame(contents.until, from)) {
        current = await trails.changeStatus(trailId, (now) => ({ ...now, read: contents.until }))
      }
      if (contents.isAll) return current
    }
  }

  /** What was intended and perhaps not done. It goes where the trail delivers to now. */
  async #resume(trail: Trail, intended: DeliveryIntent): Promise<TrailStatus> {
    const { s3BucketName, s3KeyPrefix, kmsKeyId } = trail
    const intent = { ...intended, trail: { ...intended.trail, s3BucketName, s3KeyPrefix, kmsKeyId } }
    const { files } = await this.#read(intent)
    return this.#put(intent, files)
  }

  #intend(trail: Trail, { spans, read, nextNumber }: TrailStatus, { files, until }: TrailContents): DeliveryIntent {
    return {
      atMs: this.#options.clock.nowMs(),
      from: read,
      until,
      trail,
      spans,
      files: [...files.keys()].map((region, i) => ({ region, unique: uniqueText(), number: nextNumber + i })),
    }
  }

  async #put(intent: DeliveryIntent, files: ReadonlyMap<string, LogFileContent>): Promise<TrailStatus> {
    const { trails, buckets, clock } = this.#options
    const made: Mutation[] = []
    for (const file of intent.files) {
      const content = files.get(file.region)
      // The journal has let go of it while the bucket could not be written to.
      if (!content) continue
      const objectKey = logFileKey(intent.trail, file.region, intent.atMs, file.unique)
      await buckets.put(intent.trail, { objectKey, body: content.body })
      if (intent.trail.logFileValidation) made.push(this.#forDigest(intent.trail, file, objectKey, content))
    }
    const deliveredAtMs = clock.nowMs()
    return trails.changeStatus(
      intent.trail.trailId,
      ({ delivery: _, ...now }) => ({ ...now, read: intent.until, deliveredAtMs }),
      made,
    )
  }

  #forDigest(trail: Trail, file: IntendedFile, objectKey: string, content: LogFileContent): Mutation {
    const { hashValue, oldestEventTime, newestEventTime } = content
    return this.#options.records.put(deliveredFileRecord, trailNames.file(trail.trailId, file.region, file.number), {
      bucket: trail.s3BucketName,
      objectKey,
      hashValue,
      oldestEventTime,
      newestEventTime,
    })
  }

  #read(reading: Parameters<typeof readTrail>[2]): Promise<TrailContents> {
    const { journals, regions, limits = LIMITS } = this.#options
    return readTrail(journals, regions, reading, limits)
  }
}

const isDeepSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
const LIMITS: FileLimits = { mostRecords: 50_000, mostBytes: 64 * 1024 * 1024 }
