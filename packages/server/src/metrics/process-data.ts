/** The facts of a process as data of the namespace `Strongroom`, for CloudWatch's store. */
import type { Datum, StatisticSet, Unit } from './metric-data.ts'
import type { CryptoWork, ProcessFacts } from './process-facts.ts'

export class ProcessData {
  readonly #facts: ProcessFacts
  readonly #commits = new Gathered()
  readonly #journalSyncs = new Gathered()
  #lastMs: number
  #lastCpuSeconds = 0
  #lastHits = 0
  #lastMisses = 0
  readonly #lastWork = new Map<string, CryptoWork>()

  constructor(facts: ProcessFacts) {
    this.#facts = facts
    this.#lastMs = facts.startedAtMs
  }

  /** A commit of the catalog became durable. */
  committed(seconds: number): void {
    this.#commits.take(seconds)
  }

  /** Entries of the audit journal became durable. */
  journalSynced(seconds: number): void {
    this.#journalSyncs.take(seconds)
  }

  /** What is so now, and what has happened since the last call. */
  drain(nowMs: number): Datum[] {
    const { name, memory, loop, connections, disk, keyCaches } = this.#facts
    const data: Datum[] = []
    const tell = (metric: string, unit: Unit, value: number | StatisticSet, dimensions: Record<string, string>) => {
      const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))
      data.push({
        metric: {
          namespace: 'Strongroom',
          name: metric,
          dimensions: sorted.map(([one, its]) => ({ name: one, value: its })),
        },
        atMs: nowMs,
        unit,
        data: typeof value === 'number' ? { values: [value], counts: [1] } : value,
      })
    }
    const of = { Process: name }
    const cpu = cpuSeconds(this.#facts)
    const passedSeconds = (nowMs - this.#lastMs) / 1000
    // Of one core, as CloudWatch tells that of a machine with one.
    if (passedSeconds > 0) {
      tell('CPUUtilization', 'Percent', (100 * (cpu - this.#lastCpuSeconds)) / passedSeconds, of)
    }
    tell('ResidentMemory', 'Bytes', memory.rss, of)
    tell('EventLoopDelay', 'Seconds', loop.delaySeconds, of)
    for (const [transport, count] of Object.entries(connections)) {
      tell('OpenConnections', 'Count', count, { ...of, Transport: transport })
    }
    if (disk) tell('DiskFree', 'Bytes', disk.freeBytes, {})
    const commits = this.#commits.drain()
    if (commits) tell('CatalogCommitTime', 'Seconds', commits, of)
    const journalSyncs = this.#journalSyncs.drain()
    if (journalSyncs) tell('JournalSyncTime', 'Seconds', journalSyncs, of)
    const caches = Object.values(keyCaches)
    const hits = sum(caches.map((cache) => cache.hits))
    const misses = sum(caches.map((cache) => cache.misses))
    if (caches.length > 0) {
      tell('KeyCacheHits', 'Count', hits - this.#lastHits, of)
      tell('KeyCacheMisses', 'Count', misses - this.#lastMisses, of)
    }
    for (const one of this.#facts.cryptoWork) {
      const { work, method, bytes, sampledBytes, sampledSeconds } = one
      const last = this.#lastWork.get(`${work} ${method}`)
      this.#lastWork.set(`${work} ${method}`, one)
      if (bytes === (last?.bytes ?? 0)) continue
      const by = { ...of, EncryptionMethod: method }
      tell(work === 'seal' ? 'BytesSealed' : 'BytesOpened', 'Bytes', bytes - (last?.bytes ?? 0), by)
      const seconds = sampledSeconds - (last?.sampledSeconds ?? 0)
      const throughput = (sampledBytes - (last?.sampledBytes ?? 0)) / seconds
      if (seconds > 0) tell(work === 'seal' ? 'SealThroughput' : 'OpenThroughput', 'Bytes/Second', throughput, by)
    }
    this.#lastMs = nowMs
    this.#lastCpuSeconds = cpu
    this.#lastHits = hits
    this.#lastMisses = misses
    return data
  }
}

/** Values as a statistic set. */
class Gathered {
  #count = 0
  #sum = 0
  #minimum = Number.POSITIVE_INFINITY
  #maximum = Number.NEGATIVE_INFINITY

  take(value: number): void {
    this.#count++
    this.#sum += value
    this.#minimum = Math.min(this.#minimum, value)
    this.#maximum = Math.max(this.#maximum, value)
  }

  /** Undefined where nothing was taken. */
  drain(): StatisticSet | undefined {
    if (this.#count === 0) return undefined
    const drained = { sampleCount: this.#count, sum: this.#sum, minimum: this.#minimum, maximum: this.#maximum }
    this.#count = 0
    this.#sum = 0
    this.#minimum = Number.POSITIVE_INFINITY
    this.#maximum = Number.NEGATIVE_INFINITY
    return drained
  }
}

const cpuSeconds = ({ cpu }: ProcessFacts) => cpu.userSeconds + cpu.systemSeconds
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
