/** Buckets: made, looked up, configured, removed. A bucket belongs to an account. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { name, nameAfter, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { isBucketName } from './bucket-name.ts'
import { ContentRecords } from './content-records.ts'
import { withVersioning } from './object-lock.ts'
import {
  accountBucket,
  type BucketRecord,
  bucketRecord,
  currentVersion,
  names,
  type ObjectOwnership,
  olderVersion,
  type PublicAccessBlock,
  type Versioning,
} from './records.ts'
import type { BucketEncryption, Tags } from './types.ts'
import { removeUploads } from './upload-removal.ts'

const BLOCK_ALL: PublicAccessBlock = {
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
}

/** Past every bucket name. */
const ALL_BUCKETS = new Uint8Array([0xff])

export interface BucketsOptions {
  readonly records: RecordStore
  readonly clock: Clock
  readonly newBuckets: NewBuckets
  readonly quotas: BucketQuota
}

/** How many buckets an account may have. */
export interface BucketQuota {
  value(scope: { readonly accountId: string; readonly region: string }, quota: 'buckets'): Promise<number>
}

/** What the request that makes a bucket may say of it. */
export type ChosenSettings = Pick<BucketRecord, 'objectOwnership' | 'acl' | 'tags' | 'versioning' | 'objectLock'>

/** What a bucket is when it is new. */
export interface NewBuckets {
  readonly blockedEncryptionTypes: readonly 'SSE-C'[]
  readonly blockPublicAccess: boolean
  readonly objectOwnership: ObjectOwnership
}

export class Buckets {
  readonly #records: RecordStore
  readonly #clock: Clock
  readonly #newBuckets: NewBuckets
  readonly #quotas: BucketQuota

  constructor(options: BucketsOptions) {
    this.#records = options.records
    this.#clock = options.clock
    this.#newBuckets = options.newBuckets
    this.#quotas = options.quotas
  }

  /** The bucket, for deciding who may use it. Throws BucketNotFound. */
  async find(bucket: string): Promise<BucketRecord> {
    return requirePresent(bucket, await this.#records.get(bucketRecord, names.bucket(bucket))).value
  }

  /** The bucket, once the call has been allowed to use it. Throws BucketNotFound. */
  async require(call: CallContext, bucket: string): Promise<Stored<BucketRecord>> {
    return requireOpened(call, bucket, await this.#records.get(bucketRecord, names.bucket(bucket)))
  }

  /** Throws AccessDenied where the bucket is there and another account's than the caller expects. */
  async requireExpectedOwner(call: CallContext, bucket: string, accountId: string): Promise<void> {
    const stored = await this.#records.get(bucketRecord, names.bucket(bucket))
    if (!stored || stored.value.accountId === accountId) return
    throw new Fault('AccessDenied', {
      callerArn: call.principal.arn,
      action: 's3:*',
      resource: `arn:aws:s3:::${bucket}`,
      reason: 'because the bucket has another owner than the request expects',
      told: false,
    })
  }

  /** `chosen`: once the bucket's settings are known, what of them the request has otherwise; throws where it may not. */
  async create(
    call: CallContext,
    bucket: string,
    chosen: (settings: NewBuckets) => ChosenSettings = () => ({}),
  ): Promise<void> {
    if (!isBucketName(bucket)) throw new Fault('BucketNameInvalid', { bucket })
    const { accountId } = call.principal
    const record: BucketRecord = {
      bucketId: randomBytes(12).toString('hex'),
      accountId,
      createdAtMs: this.#clock.nowMs(),
      encryption: this.#defaultEncryption(),
      objectOwnership: this.#newBuckets.objectOwnership,
      ...(this.#newBuckets.blockPublicAccess && { publicAccessBlock: BLOCK_ALL }),
      ...chosen(this.#newBuckets),
    }
    const at = names.bucket(bucket)
    if (!(await this.#records.get(bucketRecord, at))) await this.#requireRoom(call)
    const made = await this.#records.commit(
      [this.#records.still(bucketRecord, at, undefined)],
      [
        this.#records.put(bucketRecord, at, record),
        this.#records.put(accountBucket, names.accountBucket(accountId, bucket), {}),
      ],
    )
    if (made) return
    const existing = await this.#records.get(bucketRecord, at)
    const own = existing?.value.accountId === accountId
    // In us-east-1 alone S3 takes the same request from the owner again without complaint.
    if (own && call.region === 'us-east-1') return
    throw new Fault(own ? 'BucketAlreadyOwned' : 'BucketAlreadyExists', { bucket })
  }

  /** Buckets that are made at the same moment may pass the quota by as many. Throws BucketLimitReached. */
  async #requireRoom({ principal, region }: CallContext): Promise<void> {
    const { accountId } = principal
    const most = await this.#quotas.value({ accountId, region }, 'buckets')
    if ((await this.count(accountId, most)) >= most) throw new Fault('BucketLimitReached', {})
  }

  /** How many buckets an account has; `most` where it has more. */
  async count(accountId: string, most: number): Promise<number> {
    const prefix = name(accountId, ZERO)
    const range = { gte: prefix, lt: prefixEnd(prefix), limit: most }
    return (await this.#records.names(accountBucket, range)).length
  }

  /** Names and times of the caller's buckets after `after`, in order. */
  async list(call: CallContext, options: { prefix: string; after: string | undefined; limit: number }) {
    const { accountId } = call.principal
    const from = names.accountBucket(accountId, options.prefix)
    const found = await this.#records.names(accountBucket, {
      gte: options.after === undefined ? from : nameAfter(names.accountBucket(accountId, options.after)),
      lt: options.prefix === '' ? prefixEnd(name(accountId, ZERO)) : prefixEnd(from),
      limit: options.limit,
    })
    const buckets: { name: string; createdAtMs: number }[] = []
    for (const recordName of found) {
      const bucket = Buffer.from(recordName.subarray(accountId.length + 1)).toString()
      const stored = await this.#records.get(bucketRecord, names.bucket(bucket))
      if (stored) buckets.push({ name: bucket, createdAtMs: stored.value.createdAtMs })
    }
    return buckets
  }

  /**
   * Removes an empty bucket. It is marked first, which every write to it checks, so nothing can slip in between the
   * look and the removal. Uploads in progress do not keep it; they are given up.
   */
  async delete(call: CallContext, bucket: string): Promise<void> {
    const stored = await this.require(call, bucket)
    await this.#requireEmpty(bucket, stored.value)
    await this.#update(bucket, stored, { ...stored.value, deleting: true })
    const marked = await this.#records.get(bucketRecord, stored.name)
    if (marked?.value.deleting) await this.#finishDelete(bucket, marked)
  }

  /** Goes on with removals that a crash has cut off. Safe beside those that are under way. */
  async resumeDeletes(): Promise<void> {
    let gte: Uint8Array = new Uint8Array(0)
    for (;;) {
      const page = await this.#records.range(bucketRecord, { gte, lt: ALL_BUCKETS, limit: 1000 })
      for (const stored of page) {
        if (!stored.value.deleting) continue
        await this.#finishDelete(Buffer.from(stored.name).toString(), stored).catch((error: unknown) => {
          if (!isFault(error, 'BucketNotEmpty')) throw error
        })
      }
      if (page.length < 1000) return
      gte = nameAfter(page.at(-1)!.name)
    }
  }

  async #finishDelete(bucket: string, marked: Stored<BucketRecord>): Promise<void> {
    const unchanged = this.#records.unchanged(bucketRecord, marked)
    try {
      await this.#requireEmpty(bucket, marked.value)
    } catch (error) {
      const { deleting: _, ...record } = marked.value
      await this.#records.commit([unchanged], [this.#records.put(bucketRecord, marked.name, record)])
      throw error
    }
    const { accountId, bucketId } = marked.value
    await removeUploads(this.#records, new ContentRecords(this.#records), bucketId, this.#clock.nowMs())
    // Where the record has changed, another process has finished the same removal.
    await this.#records.commit(
      [unchanged],
      [
        this.#records.remove(bucketRecord, marked.name),
        this.#records.remove(accountBucket, names.accountBucket(accountId, bucket)),
      ],
    )
  }

  async encryption(call: CallContext, bucket: string): Promise<BucketEncryption> {
    return (await this.require(call, bucket)).value.encryption
  }

  /** `blockedEncryptionTypes` undefined keeps what is blocked now. */
  async putEncryption(
    call: CallContext,
    bucket: string,
    encryption: Omit<BucketEncryption, 'blockedEncryptionTypes'> & {
      blockedEncryptionTypes: readonly 'SSE-C'[] | undefined
    },
  ): Promise<void> {
    await this.change(call, bucket, (record) => ({
      ...record,
      encryption: {
        ...encryption,
        blockedEncryptionTypes: encryption.blockedEncryptionTypes ?? record.encryption.blockedEncryptionTypes,
      },
    }))
  }

  async deleteEncryption(call: CallContext, bucket: string): Promise<void> {
    await this.change(call, bucket, (record) => ({
      ...record,
      encryption: { ...this.#defaultEncryption(), blockedEncryptionTypes: record.encryption.blockedEncryptionTypes },
    }))
  }

  async versioning(call: CallContext, bucket: string): Promise<Versioning> {
    return (await this.require(call, bucket)).value.versioning
  }

  /** Throws ObjectLockRefused VersioningFixed. */
  async putVersioning(call: CallContext, bucket: string, versioning: 'Enabled' | 'Suspended'): Promise<void> {
    await this.change(call, bucket, (record) => withVersioning(record, versioning))
  }

  async tags(call: CallContext, bucket: string): Promise<Tags | undefined> {
    return (await this.require(call, bucket)).value.tags
  }

  /** Undefined: the bucket has no tag set any more. */
  async putTags(call: CallContext, bucket: string, tags: Tags | undefined): Promise<void> {
    await this.change(call, bucket, (record) => ({ ...record, tags }))
  }

  /** Changes a bucket's configuration; `change` may be asked again where somebody else was first. */
  async change(call: CallContext, bucket: string, change: (record: BucketRecord) => BucketRecord): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const stored = await this.require(call, bucket)
      const done = await this.#records.commit(
        [this.#records.unchanged(bucketRecord, stored)],
        [this.#records.put(bucketRecord, stored.name, change(stored.value))],
      )
      if (done) return
    }
    throw new Fault('Contention', { what: `bucket ${bucket}` })
  }

  async #update(bucket: string, stored: Stored<BucketRecord>, next: BucketRecord): Promise<void> {
    const done = await this.#records.commit(
      [this.#records.unchanged(bucketRecord, stored)],
      [this.#records.put(bucketRecord, stored.name, next)],
    )
    if (!done) throw new Fault('Contention', { what: `bucket ${bucket}` })
  }

  async #requireEmpty(bucket: string, record: BucketRecord): Promise<void> {
    const gte = names.objectKey(record.bucketId, '')
    const range = { gte, lt: prefixEnd(gte), limit: 1 }
    const [current, older] = await Promise.all([
      this.#records.names(currentVersion, range),
      this.#records.names(olderVersion, range),
    ])
    if (current.length + older.length > 0) throw new Fault('BucketNotEmpty', { bucket })
  }

  #defaultEncryption(): BucketEncryption {
    return {
      algorithm: 'AES256',
      kmsKeyId: undefined,
      bucketKeyEnabled: false,
      blockedEncryptionTypes: this.#newBuckets.blockedEncryptionTypes,
    }
  }
}

function requirePresent(bucket: string, stored: Stored<BucketRecord> | undefined): Stored<BucketRecord> {
  if (!stored || stored.value.deleting) throw new Fault('BucketNotFound', { bucket })
  return stored
}

/** As {@link Buckets.require}, for a record that was read together with others. */
export function requireOpened(
  call: CallContext,
  bucket: string,
  stored: Stored<BucketRecord> | undefined,
): Stored<BucketRecord> {
  const present = requirePresent(bucket, stored)
  // The bucket that the call was allowed to use is gone, and this is another one of its name.
  if (!call.openedBuckets.has(present.value.bucketId)) throw new Fault('BucketNotFound', { bucket })
  return present
}
