/**
 * `npm run bench [-- --rounds 5 --seconds 1 --workers 2 --only 'GET 64 MiB' --out FILE --profile FOLDER]`
 *
 * Runs every cell of the matrix against a started server and against the yardsticks, in turn, round after round, and
 * keeps medians. With --profile the server's processes leave CPU profiles there, which `node bench/profile.mjs` sums up.
 * A figure of this machine at this hour says little; its ratio to a yardstick of the same run says more.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare, root } from '../scripts/prepare.mjs'
import { decisions, decisionsTable } from './decisions.mjs'
import { cryptoSpeeds, machine } from './machine.mjs'
import { cells } from './matrix.mjs'
import { quotaCosts, quotaTable } from './quota.mjs'
import { ratios, summarise, table } from './report.mjs'
import { runCell } from './run-cell.mjs'
import { startSubjects } from './subjects.mjs'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    out: { type: 'string' },
    profile: { type: 'string' },
  },
})

prepare()
const wanted = cells().filter((cell) => nameOf(cell).includes(flags.only))
const subjects = await startSubjects({ workers: Number(flags.workers), profileDir: flags.profile })
const samples = wanted.map(() => [])
try {
  // The first round warms caches and compilers up and is not counted.
  for (let round = 0; round <= Number(flags.rounds); round++) {
    for (const [i, cell] of wanted.entries()) {
      const sample = await runCell(subjects, cell, round === 0 ? 0.3 : Number(flags.seconds))
      if (round > 0) samples[i].push(sample)
    }
    process.stderr.write(`round ${round} of ${flags.rounds} done\n`)
  }
  const measured = summarise(wanted, samples)
  const result = {
    date: new Date().toISOString(),
    machine: machine(),
    settings: { rounds: Number(flags.rounds), seconds: Number(flags.seconds), workers: Number(flags.workers) },
    cryptoSpeeds: cryptoSpeeds(),
    decisions: await decisions(),
    quotas: await quotaCosts(),
    peakMemoryMiB: await subjects.peakMemoryMiB(),
    ratios: ratios(measured),
    measured,
  }
  process.stdout.write(`${table(result)}\n${decisionsTable(result.decisions)}${quotaTable(result.quotas)}`)
  const path = flags.out ?? join(root, 'bench/results', `${result.date.slice(0, 10)}.json`)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `${JSON.stringify(result, undefined, 1)}\n`)
  process.stderr.write(`written to ${path}\n`)
} finally {
  await subjects.stop()
}

function nameOf({ operation, size, clients, subject, transport }) {
  return `${operation} ${size} x ${clients} ${subject} ${transport}`
}
