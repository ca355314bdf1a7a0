/**
 * `node bench/audit.mjs [--rounds 7] [--records 1000000]`, after `npm run build`: what being on record and being measured
 * costs a request, and what it costs to ask who used a key.
 *
 * Two servers answer in turn, one with the records of objects and the metrics on, one with them off; server CPU is of all
 * processes. The second question is asked of a trail of as many records, in a process of its own.
 */
import { parseArgs } from 'node:util'
import { prepare } from '../scripts/prepare.mjs'
import { keyPageCost } from './audit-key.mjs'
import { cells } from './matrix.mjs'
import { runCell } from './run-cell.mjs'
import { startSubjects } from './subjects.mjs'

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, records: { type: 'string', default: '1000000' } },
})
const ROUNDS = Number(flags.rounds)
/** Of the server's CPU for a GET of 4 KiB under SSE-S3, what the trail and the metrics may have. */
const MOST_SHARE = 0.1
/** Requests a second with a KMS call each, on record before the reply, against those without. */
const LEAST_RATIO = 0.5
const MOST_PAGE_MS = 100

const cell = (subject) =>
  cells().find(
    (one) =>
      one.operation === 'GET' &&
      one.size === '4 KiB' &&
      one.clients === 16 &&
      one.transport === 'https' &&
      one.subject === subject,
  )

prepare()
const on = await startSubjects({ workers: 2 })
const off = await startSubjects({ workers: 2, config: { audit: { dataEvents: false } } })
const samples = { on: [], off: [], kms: [] }
try {
  for (let round = 0; round <= ROUNDS; round++) {
    const seconds = round === 0 ? 0.5 : 1.5
    const taken = {
      on: await runCell(on, cell('AES256'), seconds),
      off: await runCell(off, cell('AES256'), seconds),
      kms: await runCell(on, cell('aws:kms'), seconds),
    }
    if (round > 0) for (const name of Object.keys(samples)) samples[name].push(taken[name])
  }
} finally {
  await Promise.all([on.stop(), off.stop()])
}

const median = (name, of) => samples[name].map(of).sort((a, b) => a - b)[Math.floor(samples[name].length / 2)]
const micros = (name) => median(name, (sample) => sample.serverMicrosPerRequest)
const share = (micros('on') - micros('off')) / micros('on')
console.log(
  `GET 4 KiB AES256: ${micros('on').toFixed(0)} µs of server CPU, ${micros('off').toFixed(0)} µs without records and metrics`,
)
console.log(`  share ${share.toFixed(3)}  ${share <= MOST_SHARE ? 'ok' : 'MISS'} (wanted ${MOST_SHARE} at most)`)
const ratio = median('kms', (sample) => sample.requestsPerSecond) / median('on', (sample) => sample.requestsPerSecond)
console.log(
  `GET 4 KiB aws:kms at 16 clients: ${micros('kms').toFixed(0)} µs of server CPU, each call on record before its reply`,
)
console.log(
  `  requests a second against AES256 ${ratio.toFixed(2)}  ${ratio >= LEAST_RATIO ? 'ok' : 'MISS'} (wanted ${LEAST_RATIO})`,
)

const page = await keyPageCost(Number(flags.records))
console.log(`who used a key, first page of 50 of ${page.records} records: ${page.cpuMs.toFixed(1)} ms of CPU`)
console.log(`  ${page.cpuMs <= MOST_PAGE_MS ? 'ok' : 'MISS'} (wanted ${MOST_PAGE_MS} at most)`)
