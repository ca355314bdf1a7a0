/**
 * Requests of S3 Control's API, which has a resource's ARN in its path and the account's id in a header (Amazon S3 API reference,
 * "Amazon S3 Control"). Of it there are the tags of buckets, which Terraform reads there first.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { S3Error } from './errors.ts'
import { notImplemented } from './not-implemented.ts'
import type { Target } from './target.ts'

const PREFIX = '/v20180820/tags/'
const BUCKET_ARN = /^arn:aws:s3:::([^/]+)$/

/** Undefined: it is no such request. Throws S3Error InvalidURI, or NotImplemented for what is no bucket. */
export function readControlTarget(rawPath: string, headers: IncomingHttpHeaders): Target | undefined {
  if (headers['x-amz-account-id'] === undefined || !rawPath.startsWith(PREFIX)) return undefined
  let arn: string
  try {
    arn = decodeURIComponent(rawPath.slice(PREFIX.length))
  } catch {
    throw new S3Error('InvalidURI')
  }
  const bucket = BUCKET_ARN.exec(arn)?.[1]
  if (bucket === undefined) throw notImplemented('Tagging', 'resources other than buckets')
  return { bucket, objectKey: '', byArn: true }
}
