/**
 * How long data is kept at which step (CloudWatch API reference, GetMetricData), and how time divides into blocks. A block
 * holds 60 cells of one metric; those of each step lie whole in one cell's or block's time of the next.
 */

export interface Step {
  readonly seconds: number
  readonly keptMs: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** From the finest on. */
export const STEPS: readonly Step[] = [
  { seconds: 1, keptMs: 3 * HOUR_MS },
  { seconds: 60, keptMs: 15 * DAY_MS },
  { seconds: 300, keptMs: 63 * DAY_MS },
  { seconds: 3600, keptMs: 455 * DAY_MS },
]
export const COARSEST = STEPS.length - 1
export const CELLS_PER_BLOCK = 60

/** The step, as an index into `STEPS`, at which data of this time is kept. */
export function stepAt(atMs: number, nowMs: number, highResolution: boolean): number {
  const step = STEPS.findIndex(({ seconds, keptMs }) => (seconds >= 60 || highResolution) && nowMs - atMs < keptMs)
  return step === -1 ? COARSEST : step
}

export interface CellPlace {
  readonly step: number
  readonly block: number
  /** Within the block. */
  readonly cell: number
}

export function placeOf(step: number, atMs: number): CellPlace {
  const index = Math.floor(atMs / (STEPS[step]!.seconds * 1000))
  return { step, block: Math.floor(index / CELLS_PER_BLOCK), cell: index % CELLS_PER_BLOCK }
}

export const blockMs = (step: number): number => STEPS[step]!.seconds * 1000 * CELLS_PER_BLOCK

export const cellStartMs = (step: number, block: number, cell: number): number =>
  block * blockMs(step) + cell * STEPS[step]!.seconds * 1000

/** Blocks before this one hold only what has been kept at this step for as long as it is to be. */
export const firstKeptBlock = (step: number, nowMs: number): number =>
  Math.floor((nowMs - STEPS[step]!.keptMs) / blockMs(step))

/** Where the periods of a query begin: its start, rounded down by its age (API reference, GetMetricStatistics). */
export function alignedStart(startMs: number, periodSeconds: number, nowMs: number): number {
  const ageMs = nowMs - startMs
  const step = ageMs < STEPS[1]!.keptMs ? 1 : ageMs < STEPS[2]!.keptMs ? 2 : 3
  const seconds = periodSeconds < 60 ? periodSeconds : STEPS[step]!.seconds
  return Math.floor(startMs / (seconds * 1000)) * seconds * 1000
}

/** Steps that periods of this length can be made of. */
export const stepsWithin = (periodSeconds: number): number[] =>
  STEPS.flatMap(({ seconds }, step) => (seconds <= periodSeconds && periodSeconds % seconds === 0 ? [step] : []))
