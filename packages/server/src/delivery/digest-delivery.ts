/**
 * Delivers a trail's digests, a chain of them for each region: _commit which digest there will be and what it names, put it,
 * commit that it is there, and that it is the one which the next follows._ A crash in between leaves the intent, and from it
 * the same digest comes about, with the same signature.
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Fault } from '../core/fault.ts'
import { eachIn } from '../records/each-record.ts'
import type { RecordStore } from '../records/record-store.ts'
import { makeDigest, SIGNATURE_ALGORITHM, sha256Hex, signDigest } from '../trails/digest.ts'
import type { DigestKeys } from '../trails/digest-keys.ts'
import { digestKeyName } from '../trails/log-file-name.ts'
import {
  type DeliveredFile,
  type DigestChain,
  type DigestIntent,
  deliveredFileRecord,
  type Trail,
  type TrailStatus,
  trailNames,
} from '../trails/trail-records.ts'
import type { Trails } from '../trails/trails.ts'
import type { TrailBuckets } from './trail-bucket.ts'

export interface DigestDeliveryOptions {
  readonly trails: Trails
  readonly digestKeys: DigestKeys
  readonly records: RecordStore
  readonly buckets: Pick<TrailBuckets, 'put'>
  readonly regions: readonly string[]
  readonly clock: { nowMs(): number }
  readonly digestSeconds: number
}

export class DigestDelivery {
  readonly #options: DigestDeliveryOptions

  constructor(options: DigestDeliveryOptions) {
    this.#options = options
  }

  /** Delivers the digests that are due, begins the chains that there should be, and ends those that should not. */
  async deliver(trail: Trail, status: TrailStatus): Promise<TrailStatus> {
    let current = status
    for (const region of this.#regionsOf(trail, status)) {
      const chain = current.chains[region]
      if (chain) current = await this.#advance(trail, current, region, chain)
      else if (isDigested(trail, current)) {
        current = await this.#setChain(status.trailId, region, { startMs: this.#options.clock.nowMs() })
      }
    }
    return current
  }

  #regionsOf(trail: Trail, { chains }: TrailStatus): ReadonlySet<string> {
    const others = trail.isMultiRegionTrail ? this.#options.regions : []
    return new Set([trail.homeRegion, ...others, ...Object.keys(chains)])
  }

  async #advance(trail: Trail, status: TrailStatus, region: string, chain: DigestChain): Promise<TrailStatus> {
    if (chain.intent) return this.#put(trail, status, region, chain, chain.intent)
    const nowMs = this.#options.clock.nowMs()
    const isLast = !isDigested(trail, status)
    // The last one waits for the last log files.
    if (isLast ? trail.logFileValidation && !status.isSettled : nowMs < chain.startMs + this.#periodMs) return status
    // Names and times of digests are in whole seconds.
    const endMs = Math.floor(nowMs / 1000) * 1000
    if (endMs <= chain.startMs) return status
    const intent: DigestIntent = {
      bucket: trail.s3BucketName,
      objectKey: digestKeyName(trail, region, endMs),
      startMs: chain.startMs,
      endMs,
      beforeNumber: status.delivery?.files[0]?.number ?? status.nextNumber,
      fingerprint: (await this.#options.digestKeys.current(region)).fingerprint,
      isLast,
    }
    const intending = await this.#setChain(status.trailId, region, { ...chain, intent })
    return this.#put(trail, intending, region, chain, intent)
  }

  /** The digest says itself where it is, so it goes where it was meant to go. */
  async #put(
    trail: Trail,
    { trailId }: TrailStatus,
    region: string,
    { previous }: DigestChain,
    intent: DigestIntent,
  ): Promise<TrailStatus> {
    const { digestKeys, buckets, records, clock } = this.#options
    const named: Uint8Array[] = []
    const files: DeliveredFile[] = []
    const range = {
      gte: trailNames.filesIn(trailId, region),
      lt: trailNames.file(trailId, region, intent.beforeNumber),
    }
    for await (const { name, value } of eachIn(records, deliveredFileRecord, range)) {
      named.push(name)
      files.push(value)
    }
    const key = await digestKeys.find(region, intent.fingerprint)
    if (!key) throw new Fault('Damaged', { what: `the key ${intent.fingerprint} that signs digests is missing` })
    const digest = makeDigest(trail.accountId, intent, previous, files)
    const content = Buffer.from(JSON.stringify(digest))
    const hashValue = sha256Hex(content)
    const signature = signDigest(digest, hashValue, key)
    await buckets.put(
      { ...trail, s3BucketName: intent.bucket },
      {
        objectKey: intent.objectKey,
        body: await compress(content),
        userMetadata: [
          ['signature', signature],
          ['signature-algorithm', SIGNATURE_ALGORITHM],
        ],
      },
    )
    const { bucket, objectKey, endMs } = intent
    const next = { startMs: endMs, previous: { bucket, objectKey, hashValue, signature } }
    const digestDeliveredAtMs = clock.nowMs()
    return this.#setChain(trailId, region, intent.isLast ? undefined : next, { digestDeliveredAtMs }, named)
  }

  #setChain(
    trailId: string,
    region: string,
    chain: DigestChain | undefined,
    more: Partial<TrailStatus> = {},
    named: readonly Uint8Array[] = [],
  ): Promise<TrailStatus> {
    const { trails, records } = this.#options
    return trails.changeStatus(
      trailId,
      ({ chains: { [region]: _, ...others }, ...now }) => ({
        ...now,
        ...more,
        chains: chain ? { ...others, [region]: chain } : others,
      }),
      named.map((name) => records.remove(deliveredFileRecord, name)),
    )
  }

  get #periodMs() {
    return this.#options.digestSeconds * 1000
  }
}

const isDigested = (trail: Trail, { isLogging }: TrailStatus) => trail.logFileValidation && isLogging
const compress = promisify(gzip)
