/**
 * How many calls of the KMS a second a workload of S3 makes, with and without S3 Bucket Keys, and from which load on a quota
 * refuses some. Pure arithmetic on averages; requests are taken to be spread evenly, which makes the most calls.
 *
 * A bucket key serves one requester and bucket in one process for a while after it was made. So of each such place comes
 * one call in the time that a key lives plus the time until the next request; and objects that were written under another
 * bucket key need a call to be read.
 */

export interface Workload {
  /** Objects under SSE-KMS a second. */
  readonly puts: number
  readonly gets: number
  readonly buckets: number
  readonly requesters: number
  /** Processes that keep bucket keys of their own. */
  readonly workers: number
  /** How old what is read may be: it was written under the bucket keys of that time. */
  readonly readAgeMs: number
  /** Under how many bucket keys what is read was written, where that is known. */
  readonly keysRead?: number | undefined
}

export interface BucketKeyRules {
  readonly keptMs: number
  /** By each process. */
  readonly mostKept: number
}

/** Calls a second. */
export interface CallRates {
  readonly generateDataKey: number
  readonly decrypt: number
  readonly all: number
  /** In the second after a start, when no bucket key is kept. */
  readonly atStart: number
}

/** One GenerateDataKey for each PUT, one Decrypt for each GET. */
export function callsWithout({ puts, gets }: Workload): CallRates {
  return { generateDataKey: puts, decrypt: gets, all: puts + gets, atStart: puts + gets }
}

export function callsWith(workload: Workload, rules: BucketKeyRules): CallRates {
  const { puts, gets, buckets, requesters, workers } = workload
  const writing = { rate: puts / workers, keys: requesters * buckets }
  const generateDataKey = workers * missesOf(writing, rules)
  const reading = { rate: gets / workers, keys: requesters * keysRead(workload, generateDataKey) }
  const decrypt = workers * missesOf(reading, rules)
  const atStart = workers * (distinctOf(writing) + distinctOf(reading))
  return { generateDataKey, decrypt, all: generateDataKey + decrypt, atStart }
}

/** Nothing is known of what is read where nothing is written: each object may have a bucket key of its own. */
function keysRead({ puts, buckets, readAgeMs, keysRead: known }: Workload, madePerSecond: number): number {
  if (known !== undefined) return known
  return puts === 0 ? Number.POSITIVE_INFINITY : Math.max(buckets, (madePerSecond * readAgeMs) / 1000)
}

interface Requests {
  /** A second, in one process. */
  readonly rate: number
  /** How many bucket keys serve them. */
  readonly keys: number
}

/** The requests a second that find no key kept: it has grown old, or there are more than can be kept. */
function missesOf({ rate, keys }: Requests, { keptMs, mostKept }: BucketKeyRules): number {
  if (rate === 0 || keys === Number.POSITIVE_INFINITY) return rate
  const whileKept = ((rate / keys) * keptMs) / 1000
  return rate * (1 - Math.min(whileKept / (1 + whileKept), mostKept / keys))
}

/** How many different keys a second's requests come to. */
function distinctOf({ rate, keys }: Requests): number {
  if (rate === 0 || keys === Number.POSITIVE_INFINITY) return rate
  return Math.min(rate, keys * -Math.expm1(-rate / keys))
}

/** So many times a workload. */
export const times = (workload: Workload, load: number): Workload => ({
  ...workload,
  puts: workload.puts * load,
  gets: workload.gets * load,
})

/**
 * At how many times the load a quota begins to refuse calls; Infinity where it never does. `callsAt` grows with the load.
 */
export function throttledAt(callsAt: (load: number) => number, quota: number): number {
  let high = 1
  while (callsAt(high) <= quota) {
    high *= 2
    if (high > MOST_LOAD) return Number.POSITIVE_INFINITY
  }
  let low = 0
  for (let i = 0; i < STEPS; i++) {
    const middle = (low + high) / 2
    if (callsAt(middle) <= quota) low = middle
    else high = middle
  }
  return high
}

/** Months until a load that grows by `growth` a month (0.1: a tenth) has become so many times what it is; 0 where it has. */
export function monthsUntil(load: number, growth: number): number {
  if (load <= 1) return 0
  return growth > 0 ? Math.log(load) / Math.log1p(growth) : Number.POSITIVE_INFINITY
}

const MOST_LOAD = 2 ** 30
const STEPS = 60
