import { expect, test } from 'vitest'
import { alarmNames } from './alarm-records.ts'
import { configuration, makeRoom, scope } from './room.fixture.ts'

test('a metric rises and falls, and the alarm with it', async () => {
  const { alarms, clock, evaluator, put, stateOf } = makeRoom()
  const one = evaluator()
  await one.run()
  await alarms.put(scope, configuration('a'), [])
  await one.run()
  expect(await stateOf('a')).toBe('OK')
  await put('a', 9)
  clock.ms += 10_000
  await one.run()
  expect(await stateOf('a')).toBe('ALARM')
  expect((await alarms.find(scope, 'a'))?.state.reason).toMatch(/^Threshold Crossed: 1 datapoint \[9\.0/)
  await put('a', 1)
  clock.ms += 10_000
  await one.run()
  expect(await stateOf('a')).toBe('OK')
})

test('alarms are evaluated when they are due, and no sooner', async () => {
  const { alarms, clock, evaluator, read } = makeRoom()
  const watched = (name: string, periodSeconds: number) => ({
    watched: { metric: { namespace: 'N', name, dimensions: [] }, periodSeconds, statistic: 'Sum' },
  })
  const one = evaluator()
  await one.run()
  await alarms.put(scope, configuration('ten', watched('ten', 10)), [])
  await alarms.put(scope, configuration('minute', watched('minute', 60)), [])
  await alarms.put(scope, configuration('hour', watched('hour', 3600)), [])
  for (let second = 0; second < 120; second += 2) {
    await one.run()
    clock.ms += 2_000
  }
  const count = (name: string) => read.filter((metric) => metric === name).length
  expect({ ten: count('ten'), minute: count('minute'), hour: count('hour') }).toEqual({ ten: 12, minute: 2, hour: 2 })
})

test('after a start, alarms are spread over the time that they have', async () => {
  const { alarms, clock, evaluator, read } = makeRoom()
  for (let n = 0; n < 200; n++) await alarms.put(scope, configuration(`a${n}`), [])
  const one = evaluator()
  await one.run()
  expect(read.length).toBeLessThan(100)
  clock.ms += 10_000
  await one.run()
  expect(new Set(read).size).toBe(200)
})

test('changes by others are noticed: new ones, removed ones, and states that somebody has set', async () => {
  const { alarms, clock, evaluator, read, stateOf } = makeRoom()
  const one = evaluator()
  await one.run()
  await alarms.put(scope, configuration('a'), [])
  await one.run()
  expect(await stateOf('a')).toBe('OK')
  await alarms.setState(scope, 'a', { value: 'ALARM', reason: 'by hand' })
  await one.run()
  expect(await stateOf('a')).toBe('ALARM')
  clock.ms += 10_000
  await one.run()
  expect(await stateOf('a')).toBe('OK')
  await alarms.delete(scope, ['a'])
  const before = read.length
  clock.ms += 10_000
  await one.run()
  expect(read).toHaveLength(before)
})

test('an alarm on math, with a quota in it', async () => {
  const { alarms, clock, evaluator, put, stateOf } = makeRoom()
  const metric = {
    namespace: 'AWS/Usage',
    name: 'CallCount',
    dimensions: [],
  }
  const { watched: _, ...rest } = configuration('math')
  const one = evaluator()
  await one.run()
  const queries = [
    {
      id: 'calls',
      returnData: false,
      metricStat: { metric: { ...metric, namespace: 'N', name: 'calls' }, periodSeconds: 10, statistic: 'Sum' },
    },
    { id: 'share', returnData: true, expression: 'calls / 2' },
  ]
  await alarms.put(scope, { ...rest, queries }, [])
  await put('calls', 12)
  clock.ms += 10_000
  await one.run()
  expect(await stateOf('math')).toBe('ALARM')
  expect((await alarms.find(scope, 'math'))?.state.reason).toContain('6.0')
})

test('an expression that cannot be worked out makes the data insufficient, and says why', async () => {
  const { alarms, evaluator, failures } = makeRoom()
  const { watched: _, ...rest } = configuration('broken')
  await alarms.put(scope, configuration('broken'), [])
  await alarms.setState(scope, 'broken', { value: 'OK', reason: '' })
  const one = evaluator()
  await one.run()
  const queries = [{ id: 'e1', returnData: true, expression: 'e1 + 1', periodSeconds: 60 }]
  await alarms.put(scope, { ...rest, queries }, [])
  await one.run()
  expect((await alarms.find(scope, 'broken'))?.state).toMatchObject({ value: 'INSUFFICIENT_DATA' })
  expect((await alarms.find(scope, 'broken'))?.state.reason).toMatch(/depends on itself/)
  expect(failures).toEqual([])
})

test('an alarm whose record is damaged is reported, and keeps no other from being evaluated', async () => {
  const { alarms, catalog, clock, evaluator, failures, stateOf } = makeRoom()
  await alarms.put(scope, configuration('bad'), [])
  await alarms.put(scope, configuration('good'), [])
  const key = Buffer.concat([Buffer.from('4'), alarmNames.alarm(scope, 'bad')])
  await catalog.commit([], [{ key, value: new Uint8Array(60) }])
  const one = evaluator()
  await one.run()
  clock.ms += 60_000
  await one.run()
  expect(await stateOf('good')).toBe('OK')
  expect(failures[0]).toMatch(/^bad: /)
})
