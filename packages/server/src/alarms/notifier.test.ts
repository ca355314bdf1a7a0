import { expect, test } from 'vitest'
import { each } from '../records/each-record.ts'
import { alarmNotificationRecord } from './alarm-records.ts'
import { Notifier } from './notifier.ts'
import { configuration, makeRoom, scope } from './room.fixture.ts'
import type { Delivery, Envelope } from './webhooks.ts'

const OPS = 'arn:aws:sns:us-east-1:000000000000:ops'

async function ringing() {
  const room = makeRoom()
  const { alarms, records, clock } = room
  const sent: Envelope[] = []
  const answers: Delivery[] = []
  const webhooks = {
    async deliver(envelope: Envelope) {
      sent.push(envelope)
      return answers.shift()
    },
  }
  const notifier = () => new Notifier({ records, history: alarms.history, webhooks, clock })
  await alarms.put(scope, configuration('a', { alarmActions: [OPS] }), [])
  await alarms.setState(scope, 'a', { value: 'ALARM', reason: 'so' })
  const actions = async () => {
    const all = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY, newestFirst: false, limit: 100 }
    return (await alarms.history.list(scope, { ...all, type: 'Action' })).items
  }
  const waiting = async () => {
    let count = 0
    for await (const _ of each(records, alarmNotificationRecord)) count++
    return count
  }
  return { ...room, sent, answers, notifier, actions, waiting }
}

test('a notification is sent once, as SNS would, and told in the history', async () => {
  const { notifier, sent, actions, waiting } = await ringing()
  await notifier().run()
  await notifier().run()
  expect(sent).toHaveLength(1)
  const envelope = JSON.parse(sent[0]!.body)
  expect(envelope).toMatchObject({ Type: 'Notification', TopicArn: OPS, MessageId: sent[0]!.messageId })
  expect(JSON.parse(envelope.Message)).toMatchObject({ AlarmName: 'a', NewStateValue: 'ALARM', NewStateReason: 'so' })
  const [action] = await actions()
  expect(action).toMatchObject({ alarmName: 'a', summary: `Successfully executed action ${OPS}` })
  expect(JSON.parse(JSON.parse(JSON.parse(action!.data).publishedMessage).default)).toMatchObject({ AlarmName: 'a' })
  expect(await waiting()).toBe(0)
})

test('it is tried again less and less often, by whoever runs then, and given up at last', async () => {
  const { notifier, sent, answers, actions, waiting, clock } = await ringing()
  const failure = { error: 'no', isFinal: false }
  answers.push(...Array(9).fill(failure))
  const attemptsAt: number[] = []
  for (let second = 0; second < 1000; second++) {
    const before = sent.length
    await notifier().run()
    if (sent.length > before) attemptsAt.push(second)
    clock.ms += 1000
  }
  expect(attemptsAt).toEqual([0, 2, 12, 72, 372])
  expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(1)
  expect((await actions()).map(({ summary }) => summary)).toEqual([
    `Failed to execute action ${OPS}. Received error: "no"`,
  ])
  expect(await waiting()).toBe(0)
})

test('what fails for good is not tried again', async () => {
  const { notifier, sent, answers, actions } = await ringing()
  answers.push({ error: 'never', isFinal: true })
  await notifier().run()
  await notifier().run()
  expect(sent).toHaveLength(1)
  expect(JSON.parse((await actions())[0]!.data)).toMatchObject({ actionState: 'Failed', error: 'never' })
})
