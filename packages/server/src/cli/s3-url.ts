/** Objects and prefixes as commands name them: `s3://bucket/key`. Pure. */
import { UsageError } from './exit.ts'

export interface S3Url {
  readonly bucket: string
  /** An object key, or a prefix; empty where nothing follows the bucket. */
  readonly key: string
}

/** Throws UsageError. The key is taken as it stands, without any decoding. */
export function parseS3Url(text: string): S3Url {
  const [, bucket, key = ''] = /^s3:\/\/([^/]+)(?:\/([\s\S]*))?$/.exec(text) ?? []
  if (bucket === undefined) throw new UsageError(`not of the form s3://bucket/key: ${text}`)
  return { bucket, key }
}

/** As {@link parseS3Url}, of one object. */
export function parseObjectUrl(text: string): S3Url {
  const url = parseS3Url(text)
  if (url.key === '') throw new UsageError(`no object key in ${text}`)
  return url
}

export const s3Url = ({ bucket, key }: S3Url): string => `s3://${bucket}/${key}`
