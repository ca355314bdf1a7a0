/** Explores targets one after the other, each in a thread of its own, and writes down what is found. */
import { randomInt } from 'node:crypto'
import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { keepFinding } from './corpus.ts'
import type { Exploration } from './explore.ts'
import { SharedInput } from './shared-input.ts'
import { TARGETS } from './targets/index.ts'
import type { WorkerJob } from './worker.ts'

export interface RunPlaces {
  /** The bundle of worker.ts. */
  readonly worker: string
  /** The corpus' folder. */
  readonly corpus: string
}

/** Returns how many targets had a finding. `args`: `--minutes N --only NAME --seed S`. */
export async function run(args: readonly string[], { worker, corpus }: RunPlaces): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      only: { type: 'string' },
      seed: { type: 'string', default: String(randomInt(2 ** 31 - 2 ** 24)) },
    },
  })
  const targets = TARGETS.filter(({ name }) => values.only === undefined || name === values.only)
  if (targets.length === 0) throw new Error(`no such target; there are ${TARGETS.map(({ name }) => name).join(', ')}`)
  const [seed, forMs] = [Number(values.seed), Number(values.minutes) * 60_000]
  if (!Number.isInteger(seed) || !(forMs > 0))
    throw new Error('--seed is a whole number, --minutes a number above zero')
  let findings = 0
  for (const { name } of targets) {
    const exploration = await exploreInThread(worker, { target: name, corpus, seed, forMs })
    const { runs, slowestMs, finding } = exploration
    console.log(`${name}: ${runs} inputs, the slowest took ${Math.round(slowestMs)} ms`)
    if (!finding) continue
    findings++
    const kept = finding.input && relative(process.cwd(), keepFinding(corpus, name, finding.input))
    console.log(
      `FOUND, seed ${finding.seed}${kept === undefined ? '' : `, kept as ${kept}`}\n${String(finding.error)}\n`,
    )
  }
  return findings
}

function exploreInThread(path: string, job: Omit<WorkerJob, 'shared'>): Promise<Exploration> {
  const shared = new SharedInput()
  const worker = new Worker(path, { workerData: { ...job, shared: shared.buffer } })
  return new Promise((resolve, reject) => {
    let [count, since] = [shared.count, performance.now()]
    const watch = setInterval(() => {
      if (shared.count !== count || count % 2 === 0) [count, since] = [shared.count, performance.now()]
      else if (performance.now() - since > HANG_MS) {
        const finding = { seed: job.seed, input: shared.input, error: `does not end within ${HANG_MS} ms` }
        finish(() => resolve({ runs: (count + 1) / 2, slowestMs: HANG_MS, finding }))
      }
    }, 250)
    const finish = (settle: () => void) => {
      clearInterval(watch)
      worker.terminate().then(settle, reject)
    }
    // It ends by itself, so that targets may clean up.
    worker.once('message', (exploration: Exploration) => {
      worker.once('exit', () => finish(() => resolve(exploration)))
    })
    worker.once('error', (error) => {
      // One that is thrown where nobody waits is a finding as well, of the input at hand.
      const input = shared.count % 2 === 1 ? shared.input : undefined
      const finding = { seed: job.seed, input, error: error.stack ?? error.message }
      finish(() => resolve({ runs: Math.ceil(shared.count / 2), slowestMs: 0, finding }))
    })
  })
}

/** Of the wall's clock: whatever takes this long, takes too long on any machine. */
const HANG_MS = 15_000
