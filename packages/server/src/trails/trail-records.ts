/** Records of trails: what they are, how far they have come, and the files that no digest names yet. */
import type { Position } from '../journal/frame.ts'
import { ascending, name, ZERO } from '../records/names.ts'
import { defineRecord } from '../records/record-store.ts'
import type { AdvancedEventSelector, EventSelector } from './event-selectors.ts'

export interface TrailTag {
  readonly Key: string
  readonly Value: string
}

export interface Trail {
  /** 16 bytes in hex; a trail made anew under an old name is another trail. */
  readonly trailId: string
  readonly arn: string
  readonly name: string
  readonly accountId: string
  readonly homeRegion: string
  readonly s3BucketName: string
  readonly s3KeyPrefix?: string | undefined
  /** Full ARN. */
  readonly kmsKeyId?: string | undefined
  readonly includeGlobalServiceEvents: boolean
  readonly isMultiRegionTrail: boolean
  readonly logFileValidation: boolean
  /** Absent as long as nobody put any: all management events. */
  readonly selectors?: TrailSelectors | undefined
  /** Since when it logs data events; those of before are in the journal, too, and not meant. */
  readonly dataEventsSinceMs?: number | undefined
  readonly tags: readonly TrailTag[]
}

/** One of the two kinds. */
export type TrailSelectors =
  | { readonly basic: readonly EventSelector[]; readonly advanced?: undefined }
  | { readonly basic?: undefined; readonly advanced: readonly AdvancedEventSelector[] }

export type JournalName = 'management' | 'data'
/** Absent: the journal's beginning. */
export type JournalPositions = Readonly<Partial<Record<JournalName, Position>>>

/** When a trail logged; the last span may be open. */
export interface LoggingSpan {
  readonly fromMs: number
  readonly toMs?: number | undefined
}

/** Log files that are about to be written: with it the same files come about again after a crash. */
export interface DeliveryIntent {
  readonly atMs: number
  readonly from: JournalPositions
  readonly until: JournalPositions
  /** As the trail was when it was decided what the files hold. */
  readonly trail: Trail
  readonly spans: readonly LoggingSpan[]
  readonly files: readonly IntendedFile[]
}

export interface IntendedFile {
  readonly region: string
  /** What tells its name from others of the same minute. */
  readonly unique: string
  /** Its place among the trail's files. */
  readonly number: number
}

/** A digest that is about to be written. */
export interface DigestIntent {
  readonly bucket: string
  readonly objectKey: string
  readonly startMs: number
  readonly endMs: number
  /** It names the files with smaller numbers. */
  readonly beforeNumber: number
  /** Of the key that signs it. */
  readonly fingerprint: string
  /** The chain ends with it, since the trail logs no longer or is not to be verified. */
  readonly isLast: boolean
}

export interface PreviousDigest {
  readonly bucket: string
  readonly objectKey: string
  readonly hashValue: string
  readonly signature: string
}

/** The digests of one region of a trail. */
export interface DigestChain {
  /** Until which time the digests reach. */
  readonly startMs: number
  readonly previous?: PreviousDigest | undefined
  readonly intent?: DigestIntent | undefined
}

export interface TrailStatus {
  readonly trailId: string
  readonly accountId: string
  readonly homeRegion: string
  readonly name: string
  readonly isLogging: boolean
  readonly startedAtMs?: number | undefined
  readonly stoppedAtMs?: number | undefined
  readonly spans: readonly LoggingSpan[]
  readonly read: JournalPositions
  /** Whether a trail that logs no longer has all that it logged in its bucket. */
  readonly isSettled: boolean
  readonly nextNumber: number
  readonly delivery?: DeliveryIntent | undefined
  /** By region. */
  readonly chains: Readonly<Record<string, DigestChain>>
  readonly attemptedAtMs?: number | undefined
  readonly deliveredAtMs?: number | undefined
  readonly deliveryError?: string | undefined
  readonly digestDeliveredAtMs?: number | undefined
  readonly digestError?: string | undefined
  /** The trail as it was when it was deleted: what it logged is still delivered. */
  readonly ended?: Trail | undefined
}

/** A log file in its bucket that the next digest names. */
export interface DeliveredFile {
  readonly bucket: string
  readonly objectKey: string
  /** SHA-256 of the file before compression, in hex. */
  readonly hashValue: string
  readonly oldestEventTime: string
  readonly newestEventTime: string
}

/** A key that signs digests. */
export interface DigestKey {
  readonly fingerprint: string
  readonly region: string
  /** DER of RSAPublicKey (PKCS #1), base64. */
  readonly publicKey: string
  /** DER of PKCS #8, base64. */
  readonly privateKey: string
  readonly validFromMs: number
  readonly validUntilMs: number
}

const kind = { formatVersion: 1, cached: true }
export const trailRecord = defineRecord<Trail>({ label: 'trail', prefix: 't', ...kind })
export const trailStatusRecord = defineRecord<TrailStatus>({
  label: 'status of a trail',
  prefix: 'Y',
  formatVersion: 1,
})
export const deliveredFileRecord = defineRecord<DeliveredFile>({
  label: 'log file for a digest',
  prefix: 'F',
  formatVersion: 1,
})
export const digestKeyRecord = defineRecord<DigestKey>({ label: 'digest key', prefix: 'D', ...kind })

export const trailNames = {
  trail: (accountId: string, homeRegion: string, trail: string) => name(accountId, ZERO, homeRegion, ZERO, trail),
  trailsIn: (accountId: string, homeRegion: string) => name(accountId, ZERO, homeRegion, ZERO),
  trailsOf: (accountId: string) => name(accountId, ZERO),
  status: (trailId: string) => name(trailId),
  file: (trailId: string, region: string, number: number) =>
    name(trailId, ZERO, region, ZERO, ascending(BigInt(number))),
  filesIn: (trailId: string, region: string) => name(trailId, ZERO, region, ZERO),
  filesOf: (trailId: string) => name(trailId, ZERO),
  /** A region's keys stand in the order of their beginning. */
  digestKey: (region: string, validFromMs: number) => name(region, ZERO, ascending(BigInt(validFromMs))),
  digestKeysOf: (region: string) => name(region, ZERO),
}
