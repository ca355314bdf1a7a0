/**
 * Whether delivered log files and digests are as they were delivered (user guide, "Validating CloudTrail log file integrity"):
 * _from the newest digest back, each is signed, and each is the one that the next names; each log file has the hash that its
 * digest names._ It trusts nothing but the public keys.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { createGunzip, gunzip } from 'node:zlib'
import { type Digest, type DigestedFile, isSignedBy, sha256Hex } from './digest.ts'

/** Where delivered files are, e.g. a bucket. */
export interface TrailArchive {
  /** The digests of one region of a trail, in any order. */
  readonly digests: readonly FilePlace[]
  read(place: FilePlace): Promise<ArchivedFile | undefined>
}

export interface FilePlace {
  readonly bucket: string
  readonly objectKey: string
}

export interface ArchivedFile {
  readonly body: Uint8Array
  /** Hex, of a digest where its metadata is at hand. */
  readonly signature?: string | undefined
}

export interface Finding extends FilePlace {
  readonly file: 'digest' | 'log'
  /** `unverified`: nothing is wrong with it, and no signature shows that it is right. */
  readonly state: 'valid' | 'invalid' | 'unverified'
  /** Of what is not valid. */
  readonly reason?: string
}

export interface ValidationRange {
  readonly fromMs?: number | undefined
  readonly untilMs?: number | undefined
}

/** What the valid digest after it says of one. */
interface Successor extends FilePlace {
  readonly hashValue: string | null
  readonly signature: string | null
}

/** `publicKeys`: DER of RSAPublicKey, base64, by fingerprint. */
export async function* validateTrail(
  archive: TrailArchive,
  publicKeys: ReadonlyMap<string, string>,
  { fromMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY }: ValidationRange = {},
): AsyncGenerator<Finding> {
  /** Newest first. */
  const waiting = archive.digests
    .filter(({ objectKey }) => digestTimeMs(objectKey) <= untilMs && digestTimeMs(objectKey) >= fromMs)
    .sort((a, b) => digestTimeMs(b.objectKey) - digestTimeMs(a.objectKey))
  const signatures = new Map<string, string>()
  for (let expected: Successor | undefined; ; ) {
    const place: FilePlace | undefined = expected ?? waiting.shift()
    // A digest names an older one only, so this ends.
    if (!place || digestTimeMs(place.objectKey) < fromMs) return
    while (waiting[0] && digestTimeMs(waiting[0].objectKey) >= digestTimeMs(place.objectKey)) {
      const passed = waiting.shift()!
      if (passed.objectKey !== place.objectKey) yield digestFinding(passed, 'is in no chain of digests')
    }
    const read = await readDigest(archive, place, signatures)
    const problem = typeof read === 'string' ? read : problemOf(read, place, expected, publicKeys)
    expected = undefined
    if (typeof read !== 'string') {
      // A signature proves itself, whoever tells it.
      const { previousDigestS3Object: previous, previousDigestSignature: signature } = read.digest
      if (previous && signature) signatures.set(previous, signature)
    }
    if (typeof read === 'string' || problem !== undefined) {
      yield digestFinding(place, problem!)
      continue
    }
    const { digest, signature } = read
    yield { ...place, file: 'digest', ...(signature === undefined ? NO_SIGNATURE : { state: 'valid' }) }
    for (const file of digest.logFiles) yield await logFinding(archive, file, signature === undefined)
    const { previousDigestS3Bucket: bucket, previousDigestS3Object: objectKey } = digest
    if (bucket === null || objectKey === null) continue
    if (!(digestTimeMs(objectKey) < digestTimeMs(place.objectKey))) {
      yield digestFinding(place, 'names a digest before it that is no older')
      continue
    }
    expected = {
      bucket,
      objectKey,
      hashValue: digest.previousDigestHashValue,
      signature: digest.previousDigestSignature,
    }
  }
}

interface ReadDigest {
  readonly digest: Digest
  readonly hashValue: string
  readonly signature: string | undefined
}

/** Or why it cannot be read. */
async function readDigest(
  archive: TrailArchive,
  place: FilePlace,
  signatures: ReadonlyMap<string, string>,
): Promise<ReadDigest | string> {
  const file = await archive.read(place)
  if (!file) return 'not found'
  try {
    const content = await inflate(file.body)
    const digest = JSON.parse(content.toString('utf8')) as Digest
    if (!isDigest(digest)) return 'invalid format'
    const signature = file.signature ?? signatures.get(place.objectKey)
    return { digest, hashValue: sha256Hex(content), signature }
  } catch (error) {
    if (error instanceof SyntaxError || isZlibError(error)) return 'invalid format'
    throw error
  }
}

/** Undefined where it is as it was delivered, as far as is known without a signature. */
function problemOf(
  { digest, hashValue, signature }: ReadDigest,
  place: FilePlace,
  expected: Successor | undefined,
  publicKeys: ReadonlyMap<string, string>,
): string | undefined {
  if (digest.digestS3Bucket !== place.bucket || digest.digestS3Object !== place.objectKey) {
    return 'has been moved from its original location'
  }
  const publicKey = publicKeys.get(digest.digestPublicKeyFingerprint)
  if (publicKey === undefined) return `public key not found for fingerprint ${digest.digestPublicKeyFingerprint}`
  if (signature !== undefined && !isSignedBy(digest, hashValue, signature, publicKey)) {
    return 'signature verification failed'
  }
  const isNamed =
    !expected || (expected.hashValue === hashValue && expected.signature === (signature ?? expected.signature))
  if (!isNamed) return 'is not the one that the next digest names'
  return undefined
}

async function logFinding(archive: TrailArchive, file: DigestedFile, isUnverified: boolean): Promise<Finding> {
  const place = { bucket: file.s3Bucket, objectKey: file.s3Object }
  const found = await archive.read(place)
  const invalid = (reason: string): Finding => ({ ...place, file: 'log', state: 'invalid', reason })
  if (!found) return invalid('not found')
  const hashValue = await hashOfInflated(found.body)
  if (hashValue === undefined) return invalid('invalid format')
  if (hashValue !== file.hashValue) return invalid("hash value doesn't match")
  return { ...place, file: 'log', ...(isUnverified ? NO_SIGNATURE : { state: 'valid' }) }
}

/** Log files may be large once they are inflated. Undefined where the bytes are no gzip. */
async function hashOfInflated(body: Uint8Array): Promise<string | undefined> {
  const hash = createHash('sha256')
  const inflating = createGunzip()
  inflating.end(body)
  try {
    for await (const piece of inflating as AsyncIterable<Buffer>) hash.update(piece)
    return hash.digest('hex')
  } catch (error) {
    if (isZlibError(error)) return undefined
    throw error
  }
}

const digestFinding = (place: FilePlace, reason: string): Finding => ({
  bucket: place.bucket,
  objectKey: place.objectKey,
  file: 'digest',
  state: 'invalid',
  reason,
})

/** The time in a digest's name; NaN in none. */
export function digestTimeMs(objectKey: string): number {
  const [, year, month, day, hours, minutes, seconds] = DIGEST_TIME.exec(objectKey) ?? []
  return Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
}

const isDigest = (value: Partial<Digest> | null): value is Digest =>
  typeof value === 'object' &&
  value !== null &&
  Array.isArray(value.logFiles) &&
  TEXTS.every((member) => typeof value[member] === 'string')

const isZlibError = (error: unknown) => String((error as NodeJS.ErrnoException).code).startsWith('Z_')

const inflate = promisify<Uint8Array, Buffer>(gunzip)
const NO_SIGNATURE = { state: 'unverified', reason: 'there is no signature at hand' } as const
const DIGEST_TIME = /_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.json\.gz$/
const TEXTS = ['digestEndTime', 'digestS3Bucket', 'digestS3Object', 'digestPublicKeyFingerprint'] as const
