/** The thread in which one target is explored; whoever started it can end it. */
import { parentPort, workerData } from 'node:worker_threads'
import { corpusOf } from './corpus.ts'
import { explore } from './explore.ts'
import { SharedInput } from './shared-input.ts'
import { TARGETS } from './targets/index.ts'

export interface WorkerJob {
  readonly target: string
  readonly corpus: string
  readonly seed: number
  readonly forMs: number
  readonly shared: SharedArrayBuffer
}

const job = workerData as WorkerJob
const target = TARGETS.find(({ name }) => name === job.target)!
const entries = await corpusOf(job.corpus, target)
const shared = new SharedInput(job.shared)
const exploration = await explore(
  target,
  entries.map(({ bytes }) => bytes),
  {
    seed: job.seed,
    forMs: job.forMs,
    begins: (input) => shared.begin(input),
    ended: () => shared.end(),
    collect: globalThis.gc,
  },
)
const { finding } = exploration
const error = finding?.error instanceof Error ? (finding.error.stack ?? finding.error.message) : String(finding?.error)
parentPort!.postMessage({ ...exploration, finding: finding && { ...finding, error } })
