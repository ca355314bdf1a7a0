/**
 * Which method seals an object, and the data keys for it. The choice is made once, here, and carried as a value.
 * Precedence (AWS S3 user guide, default encryption): request headers, then the bucket's default, then SSE-S3.
 */

import { type DataKey, encodeContext, SealError } from '@strongroom/crypto'
import { deriveKey, freshBytes, generateDataKey, MessageKey, unwrapKey, wrapKey } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import { type EncryptionRefusal, Fault } from '../core/fault.ts'
import type { CacheCounts } from '../core/recent.ts'
import { BucketKeys } from '../keys/bucket-keys.ts'
import type { KeyService, ServiceKeys } from '../keys/key-service.ts'
import type { CallContext } from '../policy/call.ts'
import type { StoredProtection } from './stored-content.ts'
import type { BucketEncryption, CustomerKey, ProtectionFacts, RequestedProtection } from './types.ts'

/** What the data keys are bound to. */
export interface ProtectedPlace {
  readonly bucket: string
  /** Hex; a bucket made anew under an old name is another place. */
  readonly bucketId: string
  readonly objectKey: string
  /** Hex; the stream id of a version. */
  readonly streamId: string
}

/** `keyArn`: the full ARN. */
export type RewrapTarget =
  | { readonly kind: 'AES256' }
  | { readonly kind: 'aws:kms'; readonly keyArn: string; readonly bucketKeyEnabled: boolean }

/** Data keys at hand, innermost layer first. Whoever holds it wipes it. */
export interface ActiveProtection {
  readonly stored: StoredProtection
  readonly dataKeys: readonly DataKey[]
  wipe(): void
}

export class Protector {
  readonly #keys: KeyService
  readonly #serviceKeys: ServiceKeys
  readonly #bucketKeys: BucketKeys

  constructor(keys: KeyService, serviceKeys: ServiceKeys, clock: Clock) {
    this.#keys = keys
    this.#serviceKeys = serviceKeys
    this.#bucketKeys = new BucketKeys(keys, clock)
  }

  /** Of bucket keys. */
  get bucketKeyCounts(): CacheCounts {
    return this.#bucketKeys.cacheCounts
  }

  /** Chooses the method and makes the data keys; for the KMS methods by one GenerateDataKey, or by a bucket key. */
  async begin(
    call: CallContext,
    place: ProtectedPlace,
    requested: RequestedProtection,
    bucketDefault: BucketEncryption,
  ): Promise<ActiveProtection> {
    const chosen = choose(requested, bucketDefault)
    switch (chosen.kind) {
      case 'SSE-C':
        if (bucketDefault.blockedEncryptionTypes.includes('SSE-C')) throw refused('SseCBlocked')
        return this.#beginCustomer(place, chosen.customerKey)
      case 'AES256': {
        const { dataKey, wrapped } = await this.#serviceKeys.generate('sse-s3', contextOf(place, 'AES256'))
        return active({ method: 'AES256', wrappedKey: base64(wrapped) }, dataKey)
      }
      default:
        requireKmsTransport(call)
        if (chosen.kind === 'aws:kms' && chosen.bucketKeyEnabled) {
          const dataKey = generateDataKey()
          return active(await this.#wrapByBucketKey(call, place, chosen, dataKey), dataKey)
        }
        return this.#beginKms(call, place, chosen)
    }
  }

  /** The data keys again; for the KMS methods by one Decrypt, or by a bucket key. */
  async resume(
    call: CallContext,
    place: ProtectedPlace,
    stored: StoredProtection,
    customerKey: CustomerKey | undefined,
  ): Promise<ActiveProtection> {
    requireReadable(call, stored, customerKey)
    if (stored.method === 'SSE-C') return active(stored, openCustomer(place, stored, customerKey!))
    if (stored.method === 'AES256') {
      const wrapped = Buffer.from(stored.wrappedKey, 'base64')
      return active(stored, await this.#serviceKeys.unwrap('sse-s3', wrapped, contextOf(place, 'AES256')))
    }
    const request = { keyArn: stored.kmsKeyArn, encryptionContext: stored.encryptionContext }
    const wrapped = Buffer.from(stored.wrappedKey, 'base64')
    if (stored.method === 'aws:kms' && stored.wrappedBucketKey !== undefined) {
      const wrappedBucketKey = Buffer.from(stored.wrappedBucketKey, 'base64')
      const { wrapping } = await this.#bucketKeys.forReading(call, { ...request, wrapped: wrappedBucketKey })
      return active(stored, unwrapByBucketKey(wrapping, wrapped, contextOf(place, BUCKET_KEY)))
    }
    const inner = await this.#keys.unwrapDataKey(call, { ...request, wrapped })
    if (stored.method === 'aws:kms') return active(stored, inner)
    const outerWrapped = Buffer.from(stored.outerWrappedKey, 'base64')
    return active(
      stored,
      inner,
      await this.#serviceKeys.unwrap('dsse-outer', outerWrapped, contextOf(place, stored.method)),
    )
  }

  /** Whether `resume` would be allowed at this moment, where no key of the customer's is needed; no KMS is called. */
  async mayResume(call: CallContext, stored: StoredProtection): Promise<boolean> {
    requireReadable(call, stored, undefined)
    if (!('kmsKeyArn' in stored)) return true
    const { kmsKeyArn: keyId, encryptionContext } = stored
    return (await this.#keys.allowedKey(call, { keyId, action: 'kms:Decrypt', encryptionContext })) !== undefined
  }

  /** The same data key wrapped for another method or key; of SSE-S3 and SSE-KMS. By one Decrypt and one Encrypt at most. */
  async rewrap(
    call: CallContext,
    place: ProtectedPlace,
    stored: StoredProtection,
    target: RewrapTarget,
  ): Promise<StoredProtection> {
    if (target.kind === 'aws:kms') requireKmsTransport(call)
    const opened = await this.resume(call, place, stored, undefined)
    const dataKey = opened.dataKeys[0]!
    try {
      if (target.kind === 'AES256') {
        return {
          method: 'AES256',
          wrappedKey: base64(await this.#serviceKeys.wrap('sse-s3', dataKey, contextOf(place, 'AES256'))),
        }
      }
      const keyId = target.keyArn
      const callers = callersContextOf(stored)
      if (target.bucketKeyEnabled) {
        return await this.#wrapByBucketKey(call, place, { keyId, encryptionContext: callers }, dataKey)
      }
      const encryptionContext = { ...callers, 'aws:s3:arn': `arn:aws:s3:::${place.bucket}/${place.objectKey}` }
      const { wrapped, keyArn } = await this.#keys.wrapDataKey(call, { keyId, encryptionContext, dataKey })
      return {
        method: 'aws:kms',
        kmsKeyArn: keyArn,
        wrappedKey: base64(wrapped),
        encryptionContext,
        ...callersPart(callers),
      }
    } finally {
      opened.wipe()
    }
  }

  /** What a HEAD needs: the customer's key is verified, and no KMS is called. */
  verifyRead(
    call: CallContext,
    place: ProtectedPlace,
    stored: StoredProtection,
    customerKey: CustomerKey | undefined,
  ): void {
    requireReadable(call, stored, customerKey)
    if (stored.method === 'SSE-C') openCustomer(place, stored, customerKey!).wipe()
  }

  /** The data keys of an SSE-S3 object without a caller, for verifying what is at rest. */
  async resumeForVerification(place: ProtectedPlace, stored: StoredProtection): Promise<ActiveProtection | undefined> {
    if (stored.method !== 'AES256') return undefined
    const wrapped = Buffer.from(stored.wrappedKey, 'base64')
    return active(stored, await this.#serviceKeys.unwrap('sse-s3', wrapped, contextOf(place, 'AES256')))
  }

  #beginCustomer(place: ProtectedPlace, customerKey: CustomerKey): ActiveProtection {
    const salt = freshBytes(32)
    const dataKey = generateDataKey()
    const wrapped = wrapKey(customerWrappingKey(customerKey, salt), dataKey, contextOf(place, 'SSE-C'))
    return active({ method: 'SSE-C', wrappedKey: base64(wrapped), salt: base64(salt) }, dataKey)
  }

  async #wrapByBucketKey(
    call: CallContext,
    place: ProtectedPlace,
    chosen: Pick<KmsChoice, 'keyId'> & Partial<KmsChoice>,
    dataKey: DataKey,
  ): Promise<StoredProtection> {
    const encryptionContext = { ...chosen.encryptionContext, 'aws:s3:arn': `arn:aws:s3:::${place.bucket}` }
    const request = { keyId: chosen.keyId, encryptionContext }
    const { wrapping, wrapped, keyArn } = await this.#bucketKeys.forWriting(call, place.bucketId, request)
    // AWS wants kms:Decrypt of whoever writes so, too.
    await this.#bucketKeys.forReading(call, { keyArn, wrapped, encryptionContext })
    return {
      method: 'aws:kms',
      kmsKeyArn: keyArn,
      wrappedBucketKey: base64(wrapped),
      wrappedKey: base64(wrapKey(wrapping, dataKey, contextOf(place, BUCKET_KEY))),
      encryptionContext,
      ...callersPart(chosen.encryptionContext),
    }
  }

  async #beginKms(call: CallContext, place: ProtectedPlace, chosen: KmsChoice): Promise<ActiveProtection> {
    const arn = `arn:aws:s3:::${place.bucket}/${place.objectKey}`
    const encryptionContext = { ...chosen.encryptionContext, 'aws:s3:arn': arn }
    const made = await this.#keys.generateDataKey(call, { keyId: chosen.keyId, encryptionContext })
    const facts = {
      kmsKeyArn: made.keyArn,
      wrappedKey: base64(made.wrapped),
      encryptionContext,
      ...callersPart(chosen.encryptionContext),
    }
    if (chosen.kind === 'aws:kms') return active({ method: 'aws:kms', ...facts }, made.dataKey)
    const outer = await this.#serviceKeys.generate('dsse-outer', contextOf(place, 'aws:kms:dsse'))
    return active(
      { method: 'aws:kms:dsse', ...facts, outerWrappedKey: base64(outer.wrapped) },
      made.dataKey,
      outer.dataKey,
    )
  }
}

/** What replies tell of a protection. */
export function protectionFacts(stored: StoredProtection): ProtectionFacts {
  return {
    method: stored.method,
    kmsKeyArn: 'kmsKeyArn' in stored ? stored.kmsKeyArn : undefined,
    encryptionContext: callersContextOf(stored),
    bucketKeyEnabled: 'wrappedBucketKey' in stored,
  }
}

type KmsChoice = Extract<RequestedProtection, { kind: 'aws:kms' | 'aws:kms:dsse' }>

function choose(
  requested: RequestedProtection,
  bucketDefault: BucketEncryption,
): Exclude<RequestedProtection, { kind: 'default' }> {
  const { algorithm, kmsKeyId, bucketKeyEnabled } = bucketDefault
  switch (requested.kind) {
    case 'default':
      return algorithm === 'AES256'
        ? { kind: 'AES256' }
        : { kind: algorithm, keyId: kmsKeyId, encryptionContext: undefined, bucketKeyEnabled }
    case 'aws:kms':
      return { ...requested, bucketKeyEnabled: requested.bucketKeyEnabled ?? bucketKeyEnabled }
    default:
      return requested
  }
}

/** What the writer of an object added to the encryption context. */
export const callersContextOf = (stored: StoredProtection) =>
  'callersContext' in stored ? stored.callersContext : undefined

const callersPart = (encryptionContext: KmsChoice['encryptionContext']) =>
  encryptionContext && { callersContext: encryptionContext }

/** The record itself has authenticated, and the bucket key as well, so what does not open is damaged. */
function unwrapByBucketKey(wrapping: MessageKey, wrapped: Uint8Array, context: Uint8Array): DataKey {
  try {
    return unwrapKey(wrapping, wrapped, context)
  } catch (error) {
    if (error instanceof SealError)
      throw new Fault('Damaged', { what: 'data key under a bucket key' }, { cause: error })
    throw error
  }
}

function requireReadable(call: CallContext, stored: StoredProtection, customerKey: CustomerKey | undefined): void {
  if (stored.method === 'SSE-C' && !customerKey) throw refused('SseCKeyRequired')
  if (stored.method !== 'SSE-C' && customerKey) throw refused('SseCNotApplicable')
  requireTransport(call, stored)
}

/** The KMS methods work over TLS and with Signature Version 4 only. */
export function requireTransport(call: CallContext, stored: StoredProtection): void {
  if ('kmsKeyArn' in stored) requireKmsTransport(call)
}

function requireKmsTransport(call: CallContext): void {
  if (call.signature?.version !== 'v4') throw refused('KmsRequiresSigV4')
  if (!call.secureTransport) throw refused('KmsRequiresTls')
}

function openCustomer(
  place: ProtectedPlace,
  stored: Extract<StoredProtection, { method: 'SSE-C' }>,
  customerKey: CustomerKey,
): DataKey {
  const wrapping = customerWrappingKey(customerKey, Buffer.from(stored.salt, 'base64'))
  try {
    return unwrapKey(wrapping, Buffer.from(stored.wrappedKey, 'base64'), contextOf(place, 'SSE-C'))
  } catch (error) {
    // The record itself has authenticated, so what does not fit is the key.
    if (error instanceof SealError) throw new Fault('EncryptionRefused', { refusal: 'SseCKeyWrong' }, { cause: error })
    throw error
  }
}

const customerWrappingKey = ({ key }: CustomerKey, salt: Uint8Array) =>
  new MessageKey(deriveKey(key.bytes(), 'strongroom SSE-C wrapping key', salt))

/** Canonical context of a wrapped data key: it opens only for its own version of its own object. */
function contextOf(place: ProtectedPlace, method: string): Uint8Array {
  const { bucketId, objectKey, streamId } = place
  return encodeContext({ format: 'strongroom data key 1', bucketId, objectKey, streamId, method })
}

function active(stored: StoredProtection, ...dataKeys: DataKey[]): ActiveProtection {
  return {
    stored,
    dataKeys,
    wipe() {
      for (const dataKey of dataKeys) dataKey.wipe()
    },
  }
}

/** In the place of a method: what is wrapped by a bucket key opens by none other. */
const BUCKET_KEY = 'aws:kms bucket key'
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const refused = (refusal: EncryptionRefusal) => new Fault('EncryptionRefused', { refusal })
