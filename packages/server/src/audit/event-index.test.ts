/** The index of events against a search through all of them. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { Frame } from '../journal/frame.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { toEntry, toJournalEntry } from './audit-trail.ts'
import { EventIndex } from './event-index.ts'
import { serviceEventRecord } from './event-record.ts'

const DAY_MS = 86_400_000
const KEY = randomBytes(32)
let catalog: MemoryCatalog
let index: EventIndex

beforeEach(() => {
  catalog = new MemoryCatalog()
  index = new EventIndex(catalog, KEY)
})

interface Made {
  readonly atMs: number
  readonly name: string
  readonly accountId: string
}

function frameOf(events: readonly Made[], segment = 1, offset = 0): Frame {
  const entries = events.map(({ atMs, name, accountId }) =>
    toJournalEntry(
      toEntry(
        serviceEventRecord({
          ...{ atMs, name, accountId, source: 'kms.amazonaws.com', region: 'us-east-1' },
          ...{ resources: [], serviceEventDetails: {} },
        }),
      ),
    ),
  )
  const header = {
    sequence: 1,
    entryCount: events.length,
    earliestMs: 0,
    latestMs: 0,
    beginsGroup: true,
    sealedBytes: 0,
  }
  return { position: { segment, offset }, next: { segment, offset: offset + 1000 }, header, entries }
}

const ACCOUNTS = ['111111111111', '222222222222']
const made = fc.record({
  atMs: fc.integer({ min: 100 * DAY_MS - 3, max: 103 * DAY_MS }),
  name: fc.constantFrom('RotateKey', 'DeleteKey'),
  accountId: fc.constantFrom(...ACCOUNTS),
})

test('finds what a search through all finds, newest first, page by page', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 60 }),
      fc.integer({ min: 99 * DAY_MS, max: 104 * DAY_MS }),
      fc.integer({ min: 0, max: 4 * DAY_MS }),
      fc.integer({ min: 1, max: 7 }),
      async (events, fromMs, lengthMs, limit) => {
        index = new EventIndex(new MemoryCatalog(), KEY)
        index.add('management', frameOf(events))
        await index.flush()
        const toMs = fromMs + lengthMs
        const scope = { accountId: ACCOUNTS[0]!, region: 'us-east-1' }
        const found: number[] = []
        for (let before: Uint8Array | undefined; ; ) {
          const query = { attribute: 'EventName', value: 'RotateKey', fromMs, toMs, limit, before } as const
          const page = await index.find(scope, query)
          found.push(...page.map(({ atMs }) => atMs))
          if (page.length < limit) break
          before = page.at(-1)!.key
        }
        const expected = events
          .filter(
            ({ name, accountId, atMs }) =>
              name === 'RotateKey' && accountId === scope.accountId && atMs >= fromMs && atMs <= toMs,
          )
          .map(({ atMs }) => atMs)
          .sort((a, b) => b - a)
        expect(found).toEqual(expected)
      },
    ),
    { numRuns: 200 },
  )
})

const all = { attribute: 'All', value: '', fromMs: 0, toMs: 200 * DAY_MS, limit: 100 } as const
const scope = { accountId: ACCOUNTS[0]!, region: 'us-east-1' }
const event = (atMs: number): Made => ({ atMs, name: 'RotateKey', accountId: ACCOUNTS[0]! })

test('remembers up to where a journal is in it, in the same commit', async () => {
  expect(await index.reached('management')).toBeUndefined()
  index.add('management', frameOf([event(5)], 3, 70))
  expect(await index.reached('management')).toBeUndefined()
  await index.flush()
  expect(await index.reached('management')).toEqual({ segment: 3, offset: 1070 })
  expect(await index.reached('data')).toBeUndefined()
  // The same frame again, as after a crash, changes nothing.
  index.add('management', frameOf([event(5)], 3, 70))
  await index.flush()
  expect(await index.find(scope, all)).toHaveLength(1)
})

test('what could not be written is written with the next', async () => {
  index.add('management', frameOf([event(5)]))
  const commit = catalog.commit.bind(catalog)
  catalog.commit = () => Promise.reject(new Error('the disk is full'))
  await expect(index.flush()).rejects.toThrow('the disk is full')
  catalog.commit = commit
  index.add('management', frameOf([event(6)], 1, 1000))
  await index.flush()
  expect((await index.find(scope, all)).map(({ atMs }) => atMs)).toEqual([6, 5])
})

test('days that are over are pruned', async () => {
  index.add('management', frameOf([event(10 * DAY_MS), event(11 * DAY_MS), event(12 * DAY_MS + 1)]))
  await index.flush()
  while (await index.prune(12 * DAY_MS)) {}
  expect((await index.find(scope, all)).map(({ atMs }) => atMs)).toEqual([12 * DAY_MS + 1])
})

test('nothing of an event stands in clear', async () => {
  index.add('management', frameOf([event(5)]))
  await index.flush()
  const entries = await catalog.range({ gte: Buffer.of(0), lt: Buffer.of(255), limit: 1000 })
  const bytes = Buffer.concat(entries.flatMap(({ key, value }) => [key, value]))
  expect(bytes.includes('RotateKey') || bytes.includes('111111111111')).toBe(false)
})
