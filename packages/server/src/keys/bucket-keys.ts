/**
 * S3 Bucket Keys (S3 user guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"): one data key of the KMS wraps
 * the data keys of many objects, so that the KMS sees one call for all of them. A bucket key serves one requester, under
 * one key and context, in this process and for a few minutes. Whether the requester may use the KMS key is asked anew for
 * every object all the same: a key that is disabled, or a policy that is changed, holds at once.
 */
import type { DataKey } from '@strongroom/crypto'
import { MessageKey } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { type CacheCounts, Recent } from '../core/recent.ts'
import type { CallContext } from '../policy/call.ts'
import type { DataKeyRequest, IntendedUse, KeyService, UnwrapRequest } from './key-service.ts'

export interface BucketKey {
  /** Wraps the data keys of objects. */
  readonly wrapping: MessageKey
  /** The KMS CiphertextBlob of it. */
  readonly wrapped: Uint8Array
  /** Always the full key ARN. */
  readonly keyArn: string
}

interface Kept {
  readonly bucketKey: BucketKey
  readonly untilMs: number
}

export class BucketKeys {
  readonly #keys: KeyService
  readonly #clock: Clock
  /** By what is asked for; those that are being made too, so that a burst of requests makes one. */
  readonly #forWriting = new Recent<Promise<Kept>>(MOST_BUCKET_KEYS)
  /** By requester and wrapped form. */
  readonly #forReading = new Recent<Promise<Kept>>(MOST_BUCKET_KEYS)
  #hits = 0
  #misses = 0

  constructor(keys: KeyService, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
  }

  /** How often a kept bucket key was good for what was asked, and how often the KMS had to be called. */
  get cacheCounts(): CacheCounts {
    return { hits: this.#hits, misses: this.#misses }
  }

  /** The bucket key to wrap with now. `bucketId`: a bucket made anew under an old name has others. Throws Kms* faults. */
  async forWriting(call: CallContext, bucketId: string, request: DataKeyRequest): Promise<BucketKey> {
    const { keyId, encryptionContext } = request
    const name = JSON.stringify([requester(call), bucketId, keyId, encryptionContext])
    const use = { keyId, action: 'kms:GenerateDataKey', encryptionContext } as const
    return this.#keptOrMade(this.#forWriting, name, call, use, async () => {
      const { dataKey, wrapped, keyArn } = await this.#keys.generateDataKey(call, request)
      const bucketKey = { wrapping: toWrapping(dataKey), wrapped, keyArn }
      // Whoever wrote an object often reads it soon.
      const forReading = readingName(call, { keyArn, wrapped, encryptionContext })
      void this.#made(this.#forReading, forReading, async () => bucketKey)
      return bucketKey
    })
  }

  /** The bucket key that an object's data key is wrapped by. Throws Kms* faults. */
  async forReading(call: CallContext, request: UnwrapRequest): Promise<BucketKey> {
    const { keyArn, wrapped, encryptionContext } = request
    const name = readingName(call, request)
    const use = { keyId: keyArn, action: 'kms:Decrypt', encryptionContext } as const
    return this.#keptOrMade(this.#forReading, name, call, use, async () => ({
      wrapping: toWrapping(await this.#keys.unwrapDataKey(call, request)),
      wrapped,
      keyArn,
    }))
  }

  async #keptOrMade(
    all: Recent<Promise<Kept>>,
    name: string,
    call: CallContext,
    use: IntendedUse,
    make: () => Promise<BucketKey>,
  ): Promise<BucketKey> {
    for (let kept = all.get(name); kept !== undefined; ) {
      if (await this.#isGood(await kept, call, use)) {
        this.#hits++
        return (await kept).bucketKey
      }
      const newer = all.get(name)
      // Of many that find an old one, the first makes another and the rest take that.
      if (newer === kept) break
      kept = newer
    }
    this.#misses++
    return this.#made(all, name, make)
  }

  /** False where it has grown old, where the alias names another key by now, and where the KMS would say no. */
  async #isGood({ bucketKey, untilMs }: Kept, call: CallContext, use: IntendedUse): Promise<boolean> {
    return this.#clock.nowMs() < untilMs && (await this.#keys.allowedKey(call, use)) === bucketKey.keyArn
  }

  async #made(all: Recent<Promise<Kept>>, name: string, make: () => Promise<BucketKey>): Promise<BucketKey> {
    const untilMs = this.#clock.nowMs() + BUCKET_KEY_KEPT_MS
    const made = make().then((bucketKey) => ({ bucketKey, untilMs }))
    all.set(name, made)
    try {
      return (await made).bucketKey
    } catch (error) {
      all.delete(name, made)
      throw error
    }
  }
}

const requester = ({ principal }: CallContext) => [principal.accountId, principal.arn]

const readingName = (call: CallContext, { keyArn, wrapped, encryptionContext }: UnwrapRequest) =>
  JSON.stringify([requester(call), keyArn, Buffer.from(wrapped).toString('base64'), encryptionContext])

function toWrapping(dataKey: DataKey): MessageKey {
  const key = new MessageKey(dataKey.bytes())
  dataKey.wipe()
  return key
}

/** AWS does not tell for how long. */
export const BUCKET_KEY_KEPT_MS = 5 * 60_000
/** In each process, for writing and for reading. */
export const MOST_BUCKET_KEYS = 10_000
