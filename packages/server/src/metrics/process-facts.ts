/** What a process of the server knows of itself; read by the metrics registry and by the data for CloudWatch alike. */
import type { CacheCounts } from '../core/recent.ts'
import { EventLoopWatch } from './event-loop.ts'

/** What lies in other rooms. Absent where a process has none of it. */
export interface ProcessSources {
  readonly connections?: () => Readonly<Record<string, number>>
  readonly requestsInFlight?: () => number
  /** By the name of the cache. */
  readonly keyCaches?: () => Readonly<Record<string, CacheCounts>>
  /** Of the file system with the data folder. */
  readonly disk?: () => DiskFacts | undefined
  /** Up to now. */
  readonly cryptoWork?: () => readonly CryptoWork[]
}

/** What was sealed or opened by a method, and of a sample of it for how long. */
export interface CryptoWork {
  readonly work: string
  readonly method: string
  readonly bytes: number
  readonly sampledBytes: number
  readonly sampledSeconds: number
}

export interface DiskFacts {
  readonly freeBytes: number
  readonly sizeBytes: number
}

export class ProcessFacts {
  /** `primary` or `worker-N`. */
  readonly name: string
  readonly loop = new EventLoopWatch()
  readonly startedAtMs = performance.timeOrigin
  #sources: ProcessSources = {}

  constructor(name: string) {
    this.name = name
  }

  /** Tells where to look for more; what was told before stays. */
  watch(sources: ProcessSources): void {
    this.#sources = { ...this.#sources, ...sources }
  }

  get cpu(): { readonly userSeconds: number; readonly systemSeconds: number } {
    const { user, system } = process.cpuUsage()
    return { userSeconds: user / 1e6, systemSeconds: system / 1e6 }
  }

  get memory(): NodeJS.MemoryUsage {
    return process.memoryUsage()
  }

  /** By transport. */
  get connections(): Readonly<Record<string, number>> {
    return this.#sources.connections?.() ?? {}
  }

  get requestsInFlight(): number | undefined {
    return this.#sources.requestsInFlight?.()
  }

  get keyCaches(): Readonly<Record<string, CacheCounts>> {
    return this.#sources.keyCaches?.() ?? {}
  }

  get cryptoWork(): readonly CryptoWork[] {
    return this.#sources.cryptoWork?.() ?? []
  }

  get disk(): DiskFacts | undefined {
    return this.#sources.disk?.()
  }
}
