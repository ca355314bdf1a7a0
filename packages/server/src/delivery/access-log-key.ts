/** Keys of access logs (AWS S3 user guide, "Log object key format"). Pure. */
import type { AccessLogTarget } from './access-log-entry.ts'

export interface LogObject extends AccessLogTarget {
  readonly region: string
  readonly deliveredAtMs: number
  /** Midnight of the day of the lines, where a partition is by event time. */
  readonly dayMs: number | undefined
  /** What tells it from others of the same second. */
  readonly unique: string
}

export function logObjectKey({ sourceBucket, sourceAccount, logging, ...object }: LogObject): string {
  const { keyFormat, targetPrefix } = logging
  // e.g. 2026-02-06T00:00:38.000Z
  const time = new Date(object.dayMs ?? object.deliveredAtMs).toISOString().slice(0, 19)
  const name = `${time.replace(/[T:]/g, '-')}-${object.unique}`
  if (keyFormat?.kind !== 'PartitionedPrefix') return `${targetPrefix}${name}`
  const day = time.slice(0, 10).replaceAll('-', '/')
  return `${targetPrefix}${sourceAccount}/${object.region}/${sourceBucket}/${day}/${name}`
}
