/** What a request is aimed at: bucket and key, by path or by host name. */
import { S3Error } from './errors.ts'

export interface Target {
  readonly bucket: string
  /** '' where the target is the bucket or the service. */
  readonly objectKey: string
  /** It was named by its ARN, in S3 Control's API. */
  readonly byArn?: true
}

const MAX_KEY_BYTES = 1024

/** `domains`: host names under which `BUCKET.` may stand. Throws S3Error InvalidURI or KeyTooLongError. */
export function readTarget(rawPath: string, host: string | undefined, domains: readonly string[]): Target {
  const bucketOfHost = virtualBucket(host, domains)
  const path = rawPath.startsWith('/') ? rawPath.slice(1) : rawPath
  const slash = bucketOfHost === undefined ? path.indexOf('/') : -1
  const bucket = bucketOfHost ?? decode(slash < 0 ? path : path.slice(0, slash))
  const objectKey = bucketOfHost !== undefined ? decode(path) : slash < 0 ? '' : decode(path.slice(slash + 1))
  requireKeyLength(objectKey)
  return { bucket, objectKey }
}

/** Throws S3Error KeyTooLongError. */
export function requireKeyLength(objectKey: string): void {
  const keyBytes = Buffer.byteLength(objectKey)
  if (keyBytes > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', { fields: { Size: String(keyBytes), MaxSizeAllowed: String(MAX_KEY_BYTES) } })
  }
}

function virtualBucket(host: string | undefined, domains: readonly string[]): string | undefined {
  const name = host?.replace(/:\d+$/, '').toLowerCase()
  const domain = domains.find((candidate) => name?.endsWith(`.${candidate}`))
  return domain === undefined ? undefined : name!.slice(0, -domain.length - 1)
}

function decode(text: string): string {
  try {
    return text.includes('%') ? decodeURIComponent(text) : text
  } catch {
    throw new S3Error('InvalidURI')
  }
}
