/** The key of the codes in the index of events: made once, and sealed as records are. */
import { randomBytes } from 'node:crypto'
import { name } from '../records/names.ts'
import { defineRecord, type RecordStore } from '../records/record-store.ts'

const indexKeyRecord = defineRecord<{ readonly key: string }>({
  label: 'key of the index of events',
  prefix: 'E',
  formatVersion: 1,
})
const NAME = name('key')

export async function eventIndexKey(records: RecordStore): Promise<Uint8Array> {
  const stored = await records.get(indexKeyRecord, NAME)
  if (stored) return Buffer.from(stored.value.key, 'base64')
  const key = randomBytes(32)
  await records.commit(
    [records.still(indexKeyRecord, NAME, undefined)],
    [records.put(indexKeyRecord, NAME, { key: key.toString('base64') })],
  )
  // Another process may have been first.
  return eventIndexKey(records)
}
