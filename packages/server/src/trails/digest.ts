/**
 * Digest files: what they say, and what is signed of them (user guide, "CloudTrail digest file structure" and "Custom
 * implementations of CloudTrail log file integrity validation").
 */
import { createHash, createPrivateKey, createPublicKey, createVerify, sign } from 'node:crypto'
import { isoSeconds } from './log-file-name.ts'
import type { DeliveredFile, DigestIntent, DigestKey, PreviousDigest } from './trail-records.ts'

/** The content of a digest file. */
export interface Digest {
  readonly awsAccountId: string
  readonly digestStartTime: string
  readonly digestEndTime: string
  readonly digestS3Bucket: string
  readonly digestS3Object: string
  readonly digestPublicKeyFingerprint: string
  readonly digestSignatureAlgorithm: string
  readonly newestEventTime: string | null
  readonly oldestEventTime: string | null
  readonly previousDigestS3Bucket: string | null
  readonly previousDigestS3Object: string | null
  readonly previousDigestHashValue: string | null
  readonly previousDigestHashAlgorithm: string | null
  readonly previousDigestSignature: string | null
  readonly logFiles: readonly DigestedFile[]
}

export interface DigestedFile {
  readonly s3Bucket: string
  readonly s3Object: string
  readonly hashValue: string
  readonly hashAlgorithm: string
  readonly newestEventTime: string
  readonly oldestEventTime: string
}

export function makeDigest(
  accountId: string,
  intent: DigestIntent,
  previous: PreviousDigest | undefined,
  files: readonly DeliveredFile[],
): Digest {
  const times = (which: 'newestEventTime' | 'oldestEventTime') => files.map((file) => file[which]).sort()
  return {
    awsAccountId: accountId,
    digestStartTime: isoSeconds(intent.startMs),
    digestEndTime: isoSeconds(intent.endMs),
    digestS3Bucket: intent.bucket,
    digestS3Object: intent.objectKey,
    digestPublicKeyFingerprint: intent.fingerprint,
    digestSignatureAlgorithm: SIGNATURE_ALGORITHM,
    newestEventTime: times('newestEventTime').at(-1) ?? null,
    oldestEventTime: times('oldestEventTime')[0] ?? null,
    previousDigestS3Bucket: previous?.bucket ?? null,
    previousDigestS3Object: previous?.objectKey ?? null,
    previousDigestHashValue: previous?.hashValue ?? null,
    previousDigestHashAlgorithm: previous ? HASH_ALGORITHM : null,
    previousDigestSignature: previous?.signature ?? null,
    logFiles: files.map((file) => ({
      s3Bucket: file.bucket,
      s3Object: file.objectKey,
      hashValue: file.hashValue,
      hashAlgorithm: HASH_ALGORITHM,
      newestEventTime: file.newestEventTime,
      oldestEventTime: file.oldestEventTime,
    })),
  }
}

/** `hashValue`: of the digest file before compression. */
export function stringToSign(digest: Digest, hashValue: string): string {
  const place = `${digest.digestS3Bucket}/${digest.digestS3Object}`
  // The first digest of a chain has no signature before it, for which AWS's own verifiers put this word.
  return [digest.digestEndTime, place, hashValue, digest.previousDigestSignature ?? 'null'].join('\n')
}

/** In hex. The same digest always gets the same signature. */
export function signDigest(digest: Digest, hashValue: string, { privateKey }: DigestKey): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' })
  return sign('sha256', Buffer.from(stringToSign(digest, hashValue)), key).toString('hex')
}

/** `publicKey`: DER of RSAPublicKey, base64, as ListPublicKeys has it. */
export function isSignedBy(digest: Digest, hashValue: string, signature: string, publicKey: string): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'pkcs1' })
  return createVerify('sha256').update(stringToSign(digest, hashValue)).verify(key, signature, 'hex')
}

export const sha256Hex = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

export const SIGNATURE_ALGORITHM = 'SHA256withRSA'
export const HASH_ALGORITHM = 'SHA-256'
