/** Which requests are recorded by templates, and the templates that this process knows. */
import type { Outcome } from '../core/outcome.ts'
import { Recent } from '../core/recent.ts'
import { eventId } from './event-id.ts'
import type { EventRecord } from './event-record.ts'
import { shortRecord } from './journaled-records.ts'
import { type RecordTemplate, templateOf, type Varying } from './record-template.ts'
import { callerName, timeText } from './user-identity.ts'

interface Known {
  readonly id: string
  readonly template: RecordTemplate
  readonly keyUse: boolean
  /** The payload that it was last defined in. */
  payload: number
}

export class ShortRecords {
  readonly #known = new Recent<Known>(MOST_TEMPLATES)
  #nextId = 1

  /** The entry's text; undefined where the record must be made in full. `payload`: the one that it goes into. */
  text(outcome: Outcome, shape: string, payload: number): string | undefined {
    const known = this.#known.get(shape)
    if (!known) return undefined
    const defined = known.payload === payload
    known.payload = payload
    const { id, template, keyUse } = known
    const varying = kindOf(outcome).varying(outcome, eventId(outcome.startedAtMs))
    return shortRecord(id, template, varying, { keyUse, defined })
  }

  /** Learns from a record that was made in full. */
  learn(outcome: Outcome, shape: string, records: readonly EventRecord[]): void {
    // Of what several accounts are told, each record would need a template.
    if (records.length !== 1) return
    const [{ json, isKeyUse: keyUse }] = records as [EventRecord]
    const id = /"eventID":"([^"]*)"/.exec(json)?.[1] ?? ''
    const { marks, varying } = kindOf(outcome)
    const template = templateOf(json, marks(outcome), varying(outcome, id))
    if (template) this.#known.set(shape, { id: String(this.#nextId++), template, keyUse, payload: NONE })
  }
}

/** All that a record tells but what varies. Undefined where more varies than a template has places for. */
export function shapeOf(outcome: Outcome): string | undefined {
  const { audit, caller, tls, signature } = outcome
  if (!audit?.shape || !caller || outcome.errorCode !== undefined) return undefined
  const shape = audit.shape()
  if (shape === undefined) return undefined
  return `${callerName(caller)}\n${outcome.operation}\n${outcome.bucket}\n${outcome.host}\n${outcome.sourceIp}\n${outcome.userAgent}\n${tls?.version}\n${tls?.cipher}\n${signature?.version}${signature?.by}\n${outcome.encryption}\n${outcome.kmsKeyArn}\n${outcome.bytesIn}\n${audit.usedBucketKey}\n${shape}`
}

/** Where records of a kind differ, and in what: in the same order. */
interface Kind {
  marks(outcome: Outcome): readonly string[]
  varying(outcome: Outcome, eventId: string): Varying
}

/** A read of an object. */
const READ: Kind = {
  marks: ({ bucket }) => [
    ...['"eventTime":"', '"key":"', '"x-amz-id-2":"', '"bytesTransferredOut":', '"requestID":"', '"eventID":"'],
    `"ARN":"arn:aws:s3:::${bucket}/`,
  ],
  varying({ startedAtMs, objectKey = '', requestId, bytesOut, audit }, id) {
    const key = inJson(objectKey)
    return [timeText(startedAtMs), key, audit!.hostId?.() ?? '', String(bytesOut), requestId, id, key]
  },
}

/** A call of the KMS that S3 made, for one object or bucket. */
const CALL_VIA_S3: Kind = {
  marks: () => ['"eventTime":"', `"${S3_ARN}":"`, '"s3RequestID":"', '"requestID":"', '"eventID":"'],
  varying: ({ startedAtMs, encryptionContext, viaRequestId, requestId }, id) => [
    timeText(startedAtMs),
    inJson(encryptionContext?.[S3_ARN] ?? ''),
    viaRequestId ?? '',
    requestId,
    id,
  ],
}

const kindOf = ({ viaRequestId }: Outcome): Kind => (viaRequestId === undefined ? READ : CALL_VIA_S3)
/** A text as it stands between quotation marks. */
const inJson = (text: string) => JSON.stringify(text).slice(1, -1)

const S3_ARN = 'aws:s3:arn'
const MOST_TEMPLATES = 2_000
const NONE = -1
