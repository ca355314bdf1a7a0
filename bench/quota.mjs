/**
 * What it costs to count a call of the KMS once for all processes: two workers make as many calls as the quota lets
 * through, over the channel to a primary with the book, and again without counting. The difference is the cost, of all
 * three processes together.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

const WORKERS = 2
const SECONDS = 4
const ACCOUNT = { region: 'us-east-1', accountId: '111111111111' }
/** By the default quotas of today. */
const QUOTAS = [10_000, 100_000]
/** Server CPU for one call, in microseconds. */
const AT_MOST = 5

const server = (path) => import(join(root, 'packages/server/dist', path))
const clock = { nowMs: () => Date.now() }

export async function quotaCosts() {
  const rows = []
  for (const perSecond of QUOTAS) {
    const plain = await run(perSecond, false)
    const counted = await run(perSecond, true)
    const microseconds = Math.round((counted.cpu / counted.calls - plain.cpu / plain.calls) * 100) / 100
    rows.push({ perSecond, callsPerSecond: Math.round(counted.calls / SECONDS), microseconds, atMost: AT_MOST })
  }
  return rows
}

export function quotaTable(rows) {
  const lines = rows.map(({ perSecond, callsPerSecond, microseconds, atMost }) => {
    const mark = microseconds <= atMost ? `ok (wanted ${atMost})` : `MISS (wanted ${atMost})`
    return `  counting a call, quota ${String(perSecond).padStart(6)}/s, ${String(callsPerSecond).padStart(6)}/s made ${String(microseconds).padStart(6)} µs  ${mark}`
  })
  return `Quotas:\n${lines.join('\n')}\n`
}

/** CPU of all processes in microseconds, and the calls that were made. */
async function run(perSecond, isCounted) {
  const { QuotaBook } = await server('quota/quota-book.js')
  const book = new QuotaBook(async () => perSecond, clock)
  const before = process.cpuUsage()
  const ended = Array.from({ length: WORKERS }, () => {
    const worker = fork(import.meta.filename, ['worker', String(perSecond / WORKERS), String(isCounted)])
    return new Promise((resolve) => {
      worker.on('message', async (message) => {
        if (message.ended) resolve(message.ended)
        else worker.send({ id: message.id, lease: await book.lease(message.scope, message.needed, message.spare) })
      })
    })
  })
  const workers = await Promise.all(ended)
  const { user, system } = process.cpuUsage(before)
  return {
    cpu: workers.reduce((sum, worker) => sum + worker.cpu, user + system),
    calls: workers.reduce((sum, worker) => sum + worker.calls, 0),
  }
}

/** Makes its share of the calls in each of many short turns, as requests come in. */
async function work(perSecond, isCounted) {
  const { LeasedQuota, uncounted } = await server('quota/leased-quota.js')
  const leasing = new Map()
  let nextId = 1
  process.on('message', ({ id, lease }) => {
    leasing.get(id)(lease)
    leasing.delete(id)
  })
  const ask = (scope, needed, spare) =>
    new Promise((resolve) => {
      leasing.set(nextId, resolve)
      process.send({ id: nextId++, scope, needed, spare })
    })
  const quota = isCounted ? new LeasedQuota(ask, clock) : uncounted(clock)
  const before = process.cpuUsage()
  const from = Date.now()
  let calls = 0
  while (Date.now() < from + SECONDS * 1000) {
    const due = Math.floor(((Date.now() - from) / 1000) * perSecond) - calls
    for (let i = 0; i < due; i++) {
      // A turn that came late makes more than its share; what is refused then was counted too.
      try {
        await quota.take(ACCOUNT, 'symmetric')
      } catch (error) {
        if (error.code !== 'KmsThrottled') throw error
      }
      calls++
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const { user, system } = process.cpuUsage(before)
  process.send({ ended: { cpu: user + system, calls } }, () => process.disconnect())
}

if (process.argv[2] === 'worker') await work(Number(process.argv[3]), process.argv[4] === 'true')
else if (process.argv[1] === import.meta.filename) process.stdout.write(quotaTable(await quotaCosts()))
