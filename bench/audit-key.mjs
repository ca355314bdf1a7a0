/** What the first page of a key's uses costs, among many records: the journal and the index as the server has them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

const BATCH = 500
const KEY_ARN = 'arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001'

export async function keyPageCost(records) {
  const server = (path) => import(join(root, 'packages/server/dist', path))
  const { toEntry, toJournalEntry } = await server('audit/audit-trail.js')
  const { eventRecords } = await server('audit/event-record.js')
  const { EventIndex } = await server('audit/event-index.js')
  const { EventSearch } = await server('audit/event-search.js')
  const { JournalWriter } = await server('journal/journal-writer.js')
  const { JournalReader } = await server('journal/journal-reader.js')
  const { RecordStore } = await server('records/record-store.js')
  const { StoreKey } = await server('root-key/store-key.js')
  const { LmdbCatalog } = await server('storage/lmdb-catalog.js')

  const dir = mkdtempSync(join(tmpdir(), 'strongroom-trail-'))
  const clock = { nowMs: () => Date.now() }
  const catalog = await LmdbCatalog.open(join(dir, 'catalog'))
  const indexCatalog = await LmdbCatalog.open(join(dir, 'index'))
  try {
    const store = new RecordStore(catalog, StoreKey.of(Buffer.alloc(32, 1)).derive('records'))
    const place = { dir: join(dir, 'management'), name: 'management', records: store }
    const writer = await JournalWriter.open({ ...place, clock })
    const index = new EventIndex(indexCatalog, Buffer.alloc(32, 2))
    writer.onWritten((frame) => index.add('management', frame))
    for (let made = 0; made < records; made += BATCH) {
      await writer.append(
        Array.from({ length: BATCH }, (_, i) =>
          toJournalEntry(toEntry(eventRecords(outcomeOf(made + i), '000000000000')[0])),
        ),
      )
      await index.flush()
      if (made % 100_000 === 0) process.stderr.write(`${made} of ${records} records\n`)
    }
    await writer.close()

    const search = () =>
      new EventSearch(new EventIndex(indexCatalog, Buffer.alloc(32, 2)), { management: new JournalReader(place) })
    const query = { attribute: 'KeyUse', value: KEY_ARN, fromMs: 0, toMs: Date.now() + 1000, limit: 50 }
    // Once to have the code compiled; then with nothing kept from before.
    await search().find({ accountId: '', region: '' }, query)
    const before = process.cpuUsage()
    const { events } = await search().find({ accountId: '', region: '' }, query)
    const { user, system } = process.cpuUsage(before)
    if (events.length !== 50) throw new Error(`the page has ${events.length} events`)
    return { records, cpuMs: (user + system) / 1000 }
  } finally {
    await catalog.close()
    await indexCatalog.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

const caller = {
  accountId: '111111111111',
  arn: 'arn:aws:iam::111111111111:user/reader',
  principalId: 'AIDA1',
  principalType: 'IAMUser',
  userName: 'reader',
  accessKeyId: 'AKIA1',
}

const outcomeOf = (n) => ({
  service: 'kms',
  operation: 'Decrypt',
  requestId: `request-${n}`,
  viaRequestId: `S3-${n}`,
  startedAtMs: Date.now() - 3_600_000 + Math.floor(n / 1000),
  durationMs: 1,
  status: 200,
  errorCode: undefined,
  region: 'us-east-1',
  caller,
  sourceIp: '192.0.2.1',
  userAgent: 'agent',
  tls: undefined,
  bytesIn: 0,
  bytesOut: 0,
  readOnly: true,
  kmsKeyArn: KEY_ARN,
  audit: {
    category: 'Management',
    requestParameters: () => ({
      encryptionContext: { 'aws:s3:arn': `arn:aws:s3:::bucket/object-${n}` },
      keyId: KEY_ARN,
    }),
  },
})
