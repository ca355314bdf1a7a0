/**
 * Records as entries of a journal (docs/formats/journal.md, "Events"): a byte of flags, and the text of the record, or what
 * fills a template that stands earlier in the same frame. An entry that is the first of its frame to need a template brings it.
 */
import { Fault } from '../core/fault.ts'
import type { JournalEntry } from '../journal/frame.ts'
import { filled, type RecordTemplate, type Varying } from './record-template.ts'

/** Whether the entry stands for a use of a KMS key; of several that tell of one use, one does. */
export const isKeyUse = (entry: Uint8Array): boolean => isKeyUseFlag(entry[0]!)

/** The same by its first byte. */
export const isKeyUseFlag = (flags: number): boolean => (flags & KEY_USE) !== 0

export const wholeRecord = (json: string, keyUse: boolean): string => FLAGS[keyUse ? KEY_USE : 0] + json

/** `defined`: its frame has the template already. */
export function shortRecord(
  id: string,
  template: RecordTemplate,
  varying: Varying,
  { keyUse, defined }: { readonly keyUse: boolean; readonly defined: boolean },
): string {
  const flags = FLAGS[(keyUse ? KEY_USE : 0) | SHORT | (defined ? 0 : DEFINES)]!
  const short = `${flags}${id}\n${varying.join('\n')}`
  return defined ? short : `${short}\n${template.text}`
}

/** A record as it lies in a frame. */
export interface JournaledRecord {
  /** Its template's text. Undefined where the record stands there in full. */
  readonly template: string | undefined
  json(): string
}

/** The records of a frame. */
export function recordsOf(entries: readonly JournalEntry[]): JournaledRecord[] {
  const templates = new Map<string, RecordTemplate>()
  return entries.map(({ bytes }) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.length - 1).toString('utf8')
    const flags = bytes[0]!
    if ((flags & SHORT) === 0) return { template: undefined, json: () => text }
    const [id, ...rest] = text.split('\n')
    if ((flags & DEFINES) !== 0) templates.set(id!, { text: rest.pop()! })
    const template = templates.get(id!)
    if (!template)
      throw new Fault('Damaged', { what: 'a record of the audit journal whose template is not in its frame' })
    return { template: template.text, json: () => filled(template, rest) }
  })
}

/** Their JSON texts. */
export const recordTexts = (entries: readonly JournalEntry[]): string[] => recordsOf(entries).map((one) => one.json())

const KEY_USE = 1
const SHORT = 2
const DEFINES = 4
/** Characters of one byte. */
const FLAGS = Array.from({ length: 8 }, (_, flags) => String.fromCharCode(flags))
