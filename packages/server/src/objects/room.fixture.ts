/** The objects room on memory, for its tests. */

import { DataKey } from '@strongroom/crypto'
import { Kms } from '../keys/kms.ts'
import { MemoryMaterialSecrets } from '../keys/memory-secrets.ts'
import { StoredServiceKeys } from '../keys/service-keys.ts'
import { call } from '../policy/caller.fixture.ts'
import { uncounted } from '../quota/leased-quota.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import type { Check, Mutation } from '../storage/catalog.ts'
import { MemoryBlobStore } from '../storage/memory-blobs.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { Buckets } from './buckets.ts'
import { ContentReader } from './content-reader.ts'
import { ContentWriter } from './content-writer.ts'
import { EncryptionChanges } from './encryption-change.ts'
import { Listing } from './listing.ts'
import { Multipart } from './multipart.ts'
import { Objects } from './objects.ts'
import { Protector } from './protection.ts'
import { inlineContent, names } from './records.ts'
import type { GetInput, IncomingBody, PutInput, RequestedProtection } from './types.ts'

const secrets = new MemoryMaterialSecrets()

export { call }

const NEW_BUCKETS = {
  blockedEncryptionTypes: [],
  blockPublicAccess: true,
  objectOwnership: 'BucketOwnerEnforced',
} as const

/** Fails every commit after the next few, as a crash there would. */
export class FailingCatalog extends MemoryCatalog {
  #left = Number.POSITIVE_INFINITY

  failAfter(commits: number | undefined): void {
    this.#left = commits ?? Number.POSITIVE_INFINITY
  }

  override async commit(checks: readonly Check[], mutations: readonly Mutation[]): Promise<boolean> {
    if (this.#left-- <= 0) throw new Error('the catalog has failed')
    return super.commit(checks, mutations)
  }
}

export type Room = ReturnType<typeof makeRoom>

export function makeRoom() {
  let nowMs = 1_700_000_000_000
  const clock = {
    nowMs: () => nowMs++,
    skip(ms: number) {
      nowMs += ms
    },
  }
  const catalog = new FailingCatalog()
  const storeKey = StoreKey.of(new Uint8Array(32).fill(2))
  const records = new RecordStore(catalog, storeKey.derive('records'))
  const blobs = new MemoryBlobStore(clock)
  const outcomes: string[] = []
  const observer = { observe: ({ operation }: { operation: string }) => void outcomes.push(operation) }
  const kms = new Kms({ secrets, records, storeKey, region: 'us-east-1', clock, observer, quota: uncounted(clock) })
  const protector = new Protector(kms.forS3, new StoredServiceKeys(records, storeKey, clock), clock)
  const reader = new ContentReader(blobs, (id) => records.getBytes(inlineContent, names.inline(id)))
  const buckets = new Buckets({ records, clock, newBuckets: NEW_BUCKETS, quotas: { value: async () => 100 } })
  const writer = new ContentWriter(blobs)
  const objects = new Objects({ records, protector, writer, reader, clock })
  return {
    clock,
    catalog,
    records,
    blobs,
    kms,
    protector,
    reader,
    buckets,
    objects,
    encryptionChanges: new EncryptionChanges({ records, blobs, protector, writer, reader, clock }),
    multipart: new Multipart({ records, protector, writer, objects, clock }),
    listing: new Listing(records, buckets),
    outcomes,
  }
}

export function bodyOf(content: Uint8Array): IncomingBody {
  return {
    chunks: (async function* () {
      for (let at = 0; at < content.length; at += 50_000) yield content.subarray(at, at + 50_000)
    })(),
    declaredBytes: content.length,
    checksumAlgorithm: undefined,
    needsMd5: false,
    needsSha256: false,
    expectations: () => ({ contentMd5: undefined, payloadSha256: undefined, checksum: undefined }),
  }
}

export function putInput(objectKey: string, content: Uint8Array, more: Partial<PutInput> = {}): PutInput {
  return {
    bucket: 'bucket',
    objectKey,
    headers: {},
    userMetadata: [],
    protection: { kind: 'default' },
    conditions: {},
    body: bodyOf(content),
    ...more,
  }
}

export const getInput = (objectKey: string, more: Partial<GetInput> = {}): GetInput => ({
  bucket: 'bucket',
  objectKey,
  versionId: undefined,
  range: undefined,
  conditions: {},
  customerKey: undefined,
  ...more,
})

export async function read(room: Room, input: GetInput): Promise<Buffer> {
  const { content } = await room.objects.get(call, input)
  const pieces: Uint8Array[] = []
  for await (const chunk of content.chunks()) pieces.push(chunk)
  return Buffer.concat(pieces)
}

export const customerKey = () => ({ key: new DataKey(new Uint8Array(32).fill(5)), keyMd5: 'md5' })
export const METHODS: Record<string, () => RequestedProtection> = {
  AES256: () => ({ kind: 'AES256' }),
  'aws:kms': () => ({
    kind: 'aws:kms',
    keyId: undefined,
    encryptionContext: { team: 'x' },
    bucketKeyEnabled: undefined,
  }),
  'aws:kms with a bucket key': () => ({
    kind: 'aws:kms',
    keyId: undefined,
    encryptionContext: { team: 'x' },
    bucketKeyEnabled: true,
  }),
  'aws:kms:dsse': () => ({
    kind: 'aws:kms:dsse',
    keyId: undefined,
    encryptionContext: undefined,
    bucketKeyEnabled: undefined,
  }),
  'SSE-C': () => ({ kind: 'SSE-C', customerKey: customerKey() }),
}
