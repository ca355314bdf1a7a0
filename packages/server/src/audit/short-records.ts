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
    return shortRecord(id, template, varyingOf(outcome, eventId(outcome.startedAtMs)), { keyUse, defined })
  }

  /** Learns from a record that was made in full. */
  learn(outcome: Outcome, shape: string, records: readonly EventRecord[]): void {
    // Of what several accounts are told, each record would need a template.
    if (records.length !== 1) return
    const [{ json, isKeyUse: keyUse }] = records as [EventRecord]
    const id = /"eventID":"([^"]*)"/.exec(json)?.[1] ?? ''
    const template = templateOf(json, varyingOf(outcome, id), `arn:aws:s3:::${outcome.bucket}/`)
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

/** In the order of the places of a template. */
function varyingOf({ startedAtMs, objectKey = '', requestId, bytesOut, audit }: Outcome, id: string): Varying {
  const key = JSON.stringify(objectKey).slice(1, -1)
  return [timeText(startedAtMs), key, audit!.hostId?.() ?? '', String(bytesOut), requestId, id, key]
}

const MOST_TEMPLATES = 2_000
const NONE = -1
