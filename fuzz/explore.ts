/** Feeds a target inputs until its time is over or something is found. */
import { getHeapStatistics } from 'node:v8'
import fc from 'fast-check'
import { inputsOf } from './inputs.ts'
import type { Target } from './target.ts'

export interface Exploration {
  readonly runs: number
  readonly slowestMs: number
  readonly finding?: Finding
}

export interface Finding {
  /** Of the round, to be given again. */
  readonly seed: number
  /** The smallest one that was come by; undefined where it is of no one input. */
  readonly input: Uint8Array | undefined
  readonly error: unknown
}

export interface ExploreOptions {
  readonly seed: number
  readonly forMs: number
  /** Told of every input before it is tried, and when it is done, so that somebody else can see one that never ends. */
  readonly begins?: (input: Uint8Array) => void
  readonly ended?: () => void
  /** Collects garbage; without it the heap is not looked at. */
  readonly collect?: (() => void) | undefined
}

/** One round has a seed of its own, which follows the one before. */
export async function explore(
  target: Target,
  corpus: readonly Uint8Array[],
  options: ExploreOptions,
): Promise<Exploration> {
  const inputs = inputsOf(target, corpus)
  const until = performance.now() + options.forMs
  let runs = 0
  let slowestMs = 0
  let heapBytes = Number.POSITIVE_INFINITY
  const check = async (input: Uint8Array): Promise<void> => {
    runs++
    options.begins?.(input)
    const beganAt = performance.now()
    try {
      await target.check(input)
    } finally {
      options.ended?.()
    }
    slowestMs = Math.max(slowestMs, performance.now() - beganAt)
    if (performance.now() - beganAt > SLOW_MS) await requireQuick(target, input)
  }
  for (let seed = options.seed, round = 1; performance.now() < until; seed++, round++) {
    const result = await fc.check(fc.asyncProperty(inputs, check), { seed, numRuns: ROUND_INPUTS })
    if (result.failed) {
      const finding = { seed, input: result.counterexample?.[0], error: result.errorInstance }
      return { runs, slowestMs, finding }
    }
    if (!options.collect) continue
    options.collect()
    const bytes = getHeapStatistics().used_heap_size
    if (round <= WARM_ROUNDS) heapBytes = bytes
    else if (bytes > heapBytes + MOST_GROWTH_BYTES) {
      const error = new Error(`${bytes - heapBytes} bytes more are held than after round ${WARM_ROUNDS}`)
      return { runs, slowestMs, finding: { seed, input: undefined, error } }
    }
  }
  return { runs, slowestMs }
}

/** Once more by the processor's clock: the machine may have been busy with something else. */
async function requireQuick(target: Target, input: Uint8Array): Promise<void> {
  const before = process.cpuUsage()
  await target.check(input)
  const { user, system } = process.cpuUsage(before)
  const ms = (user + system) / 1000
  if (ms > SLOW_MS) throw new Error(`takes ${Math.round(ms)} ms for ${input.length} bytes`)
}

const ROUND_INPUTS = 500
/** Of processor time, for one input of at most 32 KiB. */
const SLOW_MS = 1000
const WARM_ROUNDS = 5
const MOST_GROWTH_BYTES = 48 * 1024 * 1024
