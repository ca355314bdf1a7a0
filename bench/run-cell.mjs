/** One run of one cell, by a load process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'

const LOAD = new URL('load.mjs', import.meta.url)

export async function runCell(subjects, cell, seconds) {
  const load = fork(LOAD, [], { serialization: 'advanced' })
  try {
    load.send({ type: 'prepare', cell, seconds, ...subjects.plan(cell) })
    await answer(load, 'ready', cell)
    const before = subjects.cpuMicros()
    load.send({ type: 'go' })
    const { type: _, requests, ...sample } = await answer(load, 'done', cell)
    // Of the server's processes; what they do later for these requests, such as writing a log, counts to others.
    return { ...sample, serverMicrosPerRequest: (subjects.cpuMicros() - before) / requests }
  } finally {
    load.kill()
  }
}

async function answer(load, type, cell) {
  const [message] = await Promise.race([
    once(load, 'message'),
    once(load, 'exit').then(() => [{ type: 'failed', reason: 'the load process ended' }]),
  ])
  if (message.type !== type) throw new Error(`${JSON.stringify(cell)}: ${message.reason}`)
  return message
}
