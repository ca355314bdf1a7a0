/**
 * The load, in a process of its own. Told what to send, it signs every request and opens every connection before it
 * says 'ready'; on 'go' it runs, and answers with what it counted, its own CPU time included.
 */
import { Connection } from './connection.mjs'
import { signedHeads } from './signing.mjs'

/** Different objects that each client goes through. */
const REQUESTS_EACH = 32

process.on('message', async (message) => {
  try {
    if (message.type === 'prepare') await prepare(message)
    else process.send({ type: 'done', ...(await run()) })
  } catch (error) {
    process.send({ type: 'failed', reason: error.stack })
  }
})

let job

async function prepare({ target, cell, headers, credentials, seconds }) {
  const { operation, bytes, clients } = cell
  const body = operation === 'PUT' ? Buffer.alloc(bytes, 'strongroom') : Buffer.alloc(0)
  const perClient = bytes > 1024 * 1024 ? 2 : REQUESTS_EACH
  const plans = []
  for (let client = 0; client < clients; client++) {
    const paths = Array.from({ length: perClient }, (_, i) =>
      target.path.replace('CLIENT', operation === 'GET' ? '0' : String(client)).replace('ITEM', String(i)),
    )
    plans.push({
      heads: await signedHeads({ ...target, method: operation, paths, headers, credentials, length: body.length }),
      connection: await Connection.open(target),
    })
  }
  job = { plans, body, bytes, seconds }
  process.send({ type: 'ready' })
}

async function run() {
  const { plans, body, bytes, seconds } = job
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let requests = 0
  await Promise.all(
    plans.map(async ({ heads, connection }) => {
      let i = 0
      do {
        await connection.send(heads[i++ % heads.length], body)
        requests++
      } while (performance.now() < endsAt)
    }),
  )
  const elapsed = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  for (const { connection } of plans) connection.close()
  return {
    requests,
    requestsPerSecond: requests / elapsed,
    bytesPerSecond: (requests * bytes) / elapsed,
    loadCpuShare: (user + system) / 1e6 / elapsed,
  }
}
