/**
 * Puts a damaged journal out of the way as it is, with its keys, so that it can be looked into, and begins it anew after its last
 * segment: positions that others remember stay behind them, and what they point to is gone as if it had been pruned.
 */
import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { syncFolder } from '../core/durable-file.ts'
import { isFault } from '../core/fault.ts'
import { eachRecord } from '../records/each-record.ts'
import { name as joined, prefixEnd, ZERO } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { beginSegment } from './begin-segment.ts'
import { type ChainEnd, NO_FRAME } from './frame.ts'
import { makeFolder } from './journal-writer.ts'
import { openJournalFile, segmentsOnDisk } from './segment-files.ts'
import {
  type HeadRecord,
  headName,
  headRecord,
  readHead,
  segmentName,
  segmentOf,
  segmentRecord,
} from './segment-records.ts'

/** Nobody else may have the journal open. Resolves to the name that it has from now on, which is also its folder's. */
export async function setAside({
  dir,
  name,
  records,
  clock,
}: {
  readonly dir: string
  readonly name: string
  readonly records: RecordStore
  readonly clock: Clock
}): Promise<string> {
  const stamp = new Date(clock.nowMs())
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, '')
    .toLowerCase()
  const aside = `${name}-damaged-${stamp}`
  const head = await readHead(records, name).catch((error: unknown) => {
    if (isFault(error, 'Damaged')) return undefined
    throw error
  })
  const range = { gte: segmentName(name, 0), lt: prefixEnd(joined(name, ZERO)) }
  const names = await records.names(segmentRecord, { ...range, limit: MOST_SEGMENTS })
  const numbers = [...names.map((one) => segmentOf(one).segment), ...(await segmentsOnDisk(dir)), head?.segment ?? 0]
  const last = Math.max(0, ...numbers)

  const moved: Mutation[] = names.map((one) => records.remove(segmentRecord, one))
  // A record that does not open is lost, and with it the key of its segment.
  for await (const { value } of eachRecord(records, segmentRecord, range, () => {})) {
    moved.push(records.put(segmentRecord, segmentName(aside, value.segment), { ...value, journal: aside }))
  }
  moved.push(records.remove(headRecord, headName(name)))
  if (head) moved.push(records.put(headRecord, headName(aside), head))
  await rename(dir, `${dir.slice(0, dir.length - name.length)}${aside}`)
  await syncFolder(dirname(dir))
  await records.commit([], moved)
  await makeFolder(dir)
  const pruned = { segments: last, atMs: clock.nowMs() }
  const begun = await beginSegment(
    { dir, name, records, clock, openFile: openJournalFile },
    last + 1,
    head ? chainOf(head) : NO_FRAME,
    { pruned },
  )
  await begun.file.close()
  return aside
}

const chainOf = ({ sequence, hash }: HeadRecord): ChainEnd => ({ sequence, hash: Buffer.from(hash, 'hex') })

const MOST_SEGMENTS = 1_000_000
