import { expect, test } from 'vitest'
import type { AlarmState, HistoryItem } from './alarm-records.ts'
import { configuration, makeRoom, START_MS, scope } from './room.fixture.ts'

const OPS = 'arn:aws:sns:us-east-1:000000000000:ops'
const state = (value: AlarmState['value']): AlarmState => ({ value, reason: `it is ${value}` })
const DAY_MS = 86_400_000

async function historyOf(room: ReturnType<typeof makeRoom>, query: object = {}): Promise<readonly HistoryItem[]> {
  const all = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY, newestFirst: false, limit: 1000 }
  return (await room.alarms.history.list(scope, { ...all, ...query })).items
}

test('an alarm begins unchecked, and stays in its state when it is configured anew', async () => {
  const { alarms, clock } = makeRoom()
  await alarms.put(scope, configuration('a'), [{ Key: 'k', Value: 'v' }])
  expect(await alarms.find(scope, 'a')).toMatchObject({
    state: { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation' },
    tags: [{ Key: 'k', Value: 'v' }],
  })
  await alarms.setState(scope, 'a', state('ALARM'))
  clock.ms += 1000
  await alarms.put(scope, configuration('a', { threshold: 7 }), [])
  expect(await alarms.find(scope, 'a')).toMatchObject({
    configuration: { threshold: 7 },
    state: state('ALARM'),
    tags: [{ Key: 'k', Value: 'v' }],
    ...{ configuredAtMs: START_MS + 1000, stateUpdatedAtMs: START_MS },
  })
})

test('alarms of one name in two accounts or Regions are two', async () => {
  const { alarms } = makeRoom()
  const others = [
    { ...scope, accountId: '111111111111' },
    { ...scope, region: 'eu-west-1' },
  ]
  await alarms.put(scope, configuration('a'), [])
  for (const other of others) {
    expect(await alarms.find(other, 'a')).toBeUndefined()
    await alarms.put(other, configuration('a', { threshold: 9 }), [])
    await alarms.delete(other, ['a'])
  }
  expect((await alarms.find(scope, 'a'))?.configuration.threshold).toBe(5)
})

test('there are no more alarms than may be', async () => {
  const { alarms, records } = makeRoom()
  const { alarmNames, alarmRecord } = await import('./alarm-records.ts')
  await alarms.put(scope, configuration('first'), [])
  const alarm = (await alarms.find(scope, 'first'))!
  const more = Array.from({ length: 9_999 }, (_, n) => alarmNames.alarm(scope, `a${n}`))
  await records.commit(
    [],
    more.map((name) => records.put(alarmRecord, name, alarm)),
  )
  const made: string[] = []
  const making = async () => {
    for (let n = 0; n < 2_000; n++) {
      await alarms.put(scope, configuration(`b${n}`), [])
      made.push(`b${n}`)
    }
  }
  // What was counted before may still be used up.
  await expect(making()).rejects.toMatchObject({ code: 'AlarmLimitReached', detail: { limit: 10_000 } })
  expect(made.length).toBeLessThan(1_300)
  await alarms.put(scope, configuration('first', { threshold: 6 }), [])
  await alarms.put({ ...scope, region: 'eu-west-1' }, configuration('elsewhere'), [])
  await alarms.delete(scope, made.slice(0, 1))
})

test('alarms are gone through in order, from a prefix and after a name', async () => {
  const { alarms } = makeRoom()
  for (const name of ['b', 'a/2', 'a', 'é', 'a/1']) await alarms.put(scope, configuration(name), [])
  const names = async (range: object) => {
    const found: string[] = []
    for await (const alarm of alarms.each(scope, range)) found.push(alarm.configuration.alarmName)
    return found
  }
  expect(await names({})).toEqual(['a', 'a/1', 'a/2', 'b', 'é'])
  expect(await names({ prefix: 'a/' })).toEqual(['a/1', 'a/2'])
  expect(await names({ prefix: 'a', after: 'a/1' })).toEqual(['a/2'])
  expect(await names({ after: 'b' })).toEqual(['é'])
  // A token of another prefix does not lead out of this one.
  expect(await names({ prefix: 'b', after: 'a' })).toEqual(['b'])
})

test('a change of state is told once for each action of the new state, and history says from what to what', async () => {
  const room = makeRoom()
  const { alarms, records } = room
  await alarms.put(scope, configuration('a', { alarmActions: [OPS, `${OPS}2`], okActions: [OPS] }), [])
  await alarms.setState(scope, 'a', state('ALARM'))
  // The same state again, with another reason.
  await alarms.setState(scope, 'a', { value: 'ALARM', reason: 'still' })
  expect((await alarms.find(scope, 'a'))?.state.reason).toBe('still')
  const { alarmNotificationRecord } = await import('./alarm-records.ts')
  const { each } = await import('../records/each-record.ts')
  const waiting: string[] = []
  for await (const { value } of each(records, alarmNotificationRecord)) {
    waiting.push(`${value.actionArn} ${JSON.parse(value.message).OldStateValue} ${value.subject}`)
  }
  const subject = 'INSUFFICIENT_DATA ALARM: "a" in US East (N. Virginia)'
  expect(waiting.sort()).toEqual([`${OPS} ${subject}`, `${OPS}2 ${subject}`])
  expect((await historyOf(room)).map(({ summary }) => summary)).toEqual([
    'Alarm "a" created',
    'Alarm updated from INSUFFICIENT_DATA to ALARM',
  ])
  const [, update] = await historyOf(room)
  expect(JSON.parse(update!.data)).toEqual({
    version: '1.0',
    oldState: { stateValue: 'INSUFFICIENT_DATA', stateReason: 'Unchecked: Initial alarm creation' },
    newState: { stateValue: 'ALARM', stateReason: 'it is ALARM' },
  })
})

test('what an evaluation found of an alarm that has changed meanwhile is dropped', async () => {
  const { alarms, records, stateOf } = makeRoom()
  const { alarmNames, alarmRecord } = await import('./alarm-records.ts')
  await alarms.put(scope, configuration('a'), [])
  const stored = (await records.get(alarmRecord, alarmNames.alarm(scope, 'a')))!
  await alarms.put(scope, configuration('a', { threshold: 100 }), [])
  expect(await alarms.evaluated(scope, stored, state('ALARM'))).toBeUndefined()
  expect(await stateOf('a')).toBe('INSUFFICIENT_DATA')
})

test('history is kept for 30 days, in every account, and listed by time, name and type', async () => {
  const room = makeRoom()
  const { alarms, clock } = room
  const other = { ...scope, accountId: '111111111111' }
  await alarms.put(scope, configuration('old'), [])
  await alarms.put(other, configuration('old'), [])
  clock.ms += 20 * DAY_MS
  await alarms.put(scope, configuration('a'), [])
  await alarms.setState(scope, 'a', state('OK'))
  await alarms.put(scope, configuration('a b'), [])
  expect((await historyOf(room, { alarmName: 'a' })).map(({ type }) => type)).toEqual([
    'ConfigurationUpdate',
    'StateUpdate',
  ])
  expect(await historyOf(room, { type: 'StateUpdate' })).toHaveLength(1)
  expect((await historyOf(room, { newestFirst: true }))[0]!.alarmName).toBe('a b')
  expect(await historyOf(room, { fromMs: START_MS + 1 })).toHaveLength(3)
  expect(await historyOf(room, { untilMs: START_MS + 1 })).toHaveLength(1)
  clock.ms += 10 * DAY_MS + 1
  await alarms.history.removeOld(clock.ms)
  expect(await historyOf(room)).toHaveLength(3)
  expect(
    (await alarms.history.list(other, { fromMs: 0, untilMs: clock.ms, newestFirst: true, limit: 9 })).items,
  ).toEqual([])
})

test('nobody comes to the history of others, whatever page he asks for', async () => {
  const room = makeRoom()
  for (const accountId of ['000000000000', '111111111111', '222222222222']) {
    await room.alarms.put({ ...scope, accountId }, configuration(accountId), [])
  }
  const mine = { ...scope, accountId: '111111111111' }
  for (const newestFirst of [true, false]) {
    for (const text of ['', '0', '1', '111111111111', '2', '3', '\uffff']) {
      const query = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY, newestFirst, limit: 9, after: Buffer.from(text) }
      const { items } = await room.alarms.history.list(mine, query)
      expect(items.filter(({ alarmName }) => alarmName !== mine.accountId)).toEqual([])
    }
  }
})

test('history comes in pages, either way', async () => {
  const room = makeRoom()
  for (let n = 0; n < 7; n++) await room.alarms.put(scope, configuration(`a${n % 2}`), [])
  for (const newestFirst of [true, false]) {
    const query = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY, newestFirst, limit: 2, alarmName: 'a0' }
    const seen: HistoryItem[] = []
    for (let after: Uint8Array | undefined; ; ) {
      const { items, end } = await room.alarms.history.list(scope, { ...query, after })
      seen.push(...items)
      if (!end) break
      after = end
    }
    expect(seen).toEqual(await historyOf(room, { newestFirst, alarmName: 'a0' }))
    expect(seen).toHaveLength(4)
  }
})
