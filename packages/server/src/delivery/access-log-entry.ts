/** What the S3 door tells of a request to a bucket that has logging on, and how that waits in the journal for its delivery. */
import type { BucketLogging } from '../objects/records.ts'

/** Where a line goes: as the bucket had it when the request came, also where it is changed or gone by then. */
export interface AccessLogTarget {
  readonly sourceBucket: string
  /** The account whose bucket that is. */
  readonly sourceAccount: string
  readonly logging: BucketLogging
}

export interface AccessLog {
  /** Never throws and never waits. `atMs`: when the request came. */
  write(target: AccessLogTarget, atMs: number, line: string): void
}

export interface AccessLogEntry extends AccessLogTarget {
  readonly atMs: number
  readonly line: string
}

/** Hands each line over as an entry of the journal `access`. */
export const journaledAccessLog = (
  append: (entry: { readonly atMs: number; readonly bytes: Uint8Array }) => void,
): AccessLog => ({
  write: (target, atMs, line) => append({ atMs, bytes: encodeEntry({ ...target, atMs, line }) }),
})

export const encodeEntry = ({ sourceBucket, sourceAccount, logging, atMs, line }: AccessLogEntry): Uint8Array =>
  Buffer.from(JSON.stringify({ sourceBucket, sourceAccount, logging, atMs, line }))

/** The journal's seal vouches for the bytes. */
export const decodeEntry = (bytes: Uint8Array): AccessLogEntry =>
  JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as AccessLogEntry
