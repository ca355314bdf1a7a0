/**
 * The primary process: makes what the first start makes, keeps the workers alive, and speaks for all of them.
 * It serves no request itself.
 */
import cluster, { type Worker } from 'node:cluster'
import type { JournalName } from '../audit/journals.ts'
import { memoryPasses } from '../core/passing-memory.ts'
import type { JournalEntry } from '../journal/frame.ts'
import type { Payload } from '../journal/payload.ts'
import type { PrimaryMetrics } from '../metrics/primary-metrics.ts'
import { type MetricSnapshot, mergeSnapshots } from '../metrics/registry.ts'
import type { CountedCalls, QuotaBook } from '../quota/quota-book.ts'
import type { ExportedStoreKey } from '../root-key/store-key.ts'
import type { Question, ToPrimary, ToWorker } from './channel.ts'
import { ConfigurationError } from './exit.ts'
import { withDefinitePort } from './free-port.ts'
import type { WorkerStart } from './worker.ts'

export interface RunningWorkers {
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
  /** Lets requests under way finish, then ends every worker. */
  stop(): Promise<void>
  reloadCertificates(): void
  /** The metrics of all processes, added up. */
  collectMetrics(): Promise<readonly MetricSnapshot[]>
  /** Gives the store key as it is to all workers, and to those that come; resolves when it counts everywhere. */
  spreadStoreKey(storeKey: ExportedStoreKey): Promise<void>
}

export interface WorkerEvents {
  /** A worker ended although nobody asked it to; it is being replaced. */
  onLost(pid: number | undefined, how: string): void
  /** The quota that a call counts against could not be read, so the call fails. */
  onQuotaUnread(error: Error): void
  /** Entries could not be written, so what waits for them fails. */
  onJournalError(error: Error): void
}

/** Makes entries of the journals durable. */
export type AppendToJournal = (journal: JournalName, given: readonly JournalEntry[] | Payload) => Promise<void>

/** Starts `count` workers and resolves when all of them serve. Rejects with what the first one that could not says. */
export async function startWorkers(
  count: number,
  start: WorkerStart,
  quotaBook: QuotaBook,
  append: AppendToJournal,
  metrics: PrimaryMetrics,
  events: WorkerEvents,
): Promise<RunningWorkers> {
  // Workers accept from one shared queue. Handed out by the primary instead, a connection would be lost with a worker
  // that is killed before it takes it over.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: new URL('./worker-main.js', import.meta.url).pathname,
    args: [],
    serialization: 'advanced',
  })
  // Both at once, so that they are not the same.
  const [http, https] = await Promise.all([start.settings.http, start.settings.https].map(withDefinitePort))
  const settings = { ...start.settings, http, https }
  const pool = new WorkerPool({ ...start, settings }, quotaBook, append, metrics, events)
  let ports: Ports = { httpPort: undefined, httpsPort: undefined }
  try {
    for (let i = 0; i < count; i++) ports = await pool.add()
  } catch (error) {
    await pool.stop()
    throw error
  }
  return {
    ...ports,
    stop: () => pool.stop(),
    collectMetrics: async () => mergeSnapshots((await pool.ask({ about: 'metrics' })) as (readonly MetricSnapshot[])[]),
    reloadCertificates: () => pool.broadcast({ type: 'reload-certificate' }),
    spreadStoreKey: (storeKey) => pool.spreadStoreKey(storeKey),
  }
}

interface Ports {
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
}

class WorkerPool {
  #start: WorkerStart
  readonly #quotaBook: QuotaBook
  readonly #append: AppendToJournal
  readonly #metrics: PrimaryMetrics
  readonly #events: WorkerEvents
  readonly #serving = new Set<Worker>()
  /** Those that were told to start, serving yet or not. */
  readonly #started = new Set<Worker>()
  readonly #collections = new Map<number, Collection>()
  #nextCollection = 1
  #stopping = false

  constructor(
    start: WorkerStart,
    quotaBook: QuotaBook,
    append: AppendToJournal,
    metrics: PrimaryMetrics,
    events: WorkerEvents,
  ) {
    this.#start = start
    this.#quotaBook = quotaBook
    this.#append = append
    this.#metrics = metrics
    this.#events = events
  }

  add(): Promise<Ports> {
    return new Promise((resolve, reject) => {
      const worker = cluster.fork()
      worker.on('message', (message: ToPrimary) => {
        switch (message.type) {
          case 'online':
            if (!this.#stopping) this.#started.add(worker)
            send(worker, this.#stopping ? { type: 'stop' } : { type: 'start', start: this.#start })
            break
          case 'ready':
            this.#serving.add(worker)
            resolve(message)
            break
          case 'failed':
            reject(message.exitCode === 78 ? new ConfigurationError(message.message) : new Error(message.message))
            break
          case 'took-store-key':
            this.#collections.get(message.id)?.take(worker, undefined)
            break
          case 'want':
            void this.ask(message.question).then((answers) =>
              send(worker, { type: 'answers', id: message.id, answers }),
            )
            break
          case 'lease':
            this.#quotaBook.lease(message.scope, message.needed, message.spare).then(
              (lease) => send(worker, { type: 'leased', id: message.id, lease }),
              (error: Error) => {
                this.#events.onQuotaUnread(error)
                send(worker, { type: 'leased', id: message.id, lease: undefined })
              },
            )
            break
          case 'counted':
            this.#quotaBook.absorb(message.calls)
            break
          case 'journal':
            memoryPasses(message.payload.bytes.length)
            this.#append(message.journal, message.payload).then(
              () => send(worker, { type: 'journaled', id: message.id, error: undefined }),
              (error: Error) => {
                this.#events.onJournalError(error)
                send(worker, { type: 'journaled', id: message.id, error: error.message })
              },
            )
            break
          case 'answer':
            this.#collections.get(message.id)?.take(worker, message.answer)
            break
        }
      })
      worker.on('exit', (code, signal) => {
        const served = this.#serving.delete(worker)
        // Before those who wait for its answer get the sums.
        if (served && !this.#stopping) this.#metrics.lostWorker(worker.id)
        this.#started.delete(worker)
        for (const collection of this.#collections.values()) collection.take(worker, undefined)
        reject(new Error(`a worker ended before it served (${signal ?? `exit code ${code}`})`))
        if (served && !this.#stopping) this.#replace(worker, signal ?? `exit code ${code}`)
      })
    })
  }

  broadcast(message: ToWorker): void {
    for (const worker of this.#serving) send(worker, message)
  }

  spreadStoreKey(storeKey: ExportedStoreKey): Promise<void> {
    this.#start = { ...this.#start, storeKey }
    return new Promise((resolve) => {
      const id = this.#nextCollection++
      const workers = [...this.#started]
      if (workers.length === 0) return resolve()
      this.#collections.set(
        id,
        new Collection(workers, () => {
          this.#collections.delete(id)
          resolve()
        }),
      )
      for (const worker of workers) send(worker, { type: 'store-key', id, storeKey })
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined)
    const ended = workers.map((worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())))
    for (const worker of workers) send(worker, { type: 'stop' })
    await Promise.all(ended)
  }

  #replace(lost: Worker, how: string): void {
    this.#events.onLost(lost.process.pid, how)
    this.add().catch((error: Error) => {
      if (this.#stopping) return
      this.#events.onLost(undefined, error.message)
      setTimeout(() => !this.#stopping && this.#replace(lost, 'its replacement did not start'), REPLACE_AGAIN_MS)
    })
  }

  /** What every worker answers, and the primary for itself. */
  ask(question: Question): Promise<readonly unknown[]> {
    return new Promise((resolve) => {
      const id = this.#nextCollection++
      if (this.#serving.size === 0) return resolve(this.#final(question, []))
      const collection = new Collection(
        [...this.#serving],
        (answers) => {
          this.#collections.delete(id)
          resolve(this.#final(question, answers))
        },
        question.about === 'metrics'
          ? (worker, answer) => this.#metrics.toldBy(worker.id, answer as readonly MetricSnapshot[])
          : undefined,
      )
      this.#collections.set(id, collection)
      this.broadcast({ type: 'ask', id, question })
    })
  }

  /** The primary's metrics are one more snapshot; what the workers counted goes into the book, which knows the rest. */
  #final(question: Question, answers: readonly unknown[]): readonly unknown[] {
    if (question.about === 'metrics') return [...answers, this.#metrics.snapshot()]
    if (question.about !== 'quota-usage') return answers
    for (const calls of answers as (readonly CountedCalls[])[]) this.#quotaBook.absorb(calls)
    return [this.#quotaBook.usage(question.region, question.accountId)]
  }
}

class Collection {
  readonly #waiting: Set<Worker>
  readonly #taken: unknown[] = []
  readonly #done: (answers: readonly unknown[]) => void
  readonly #took: ((worker: Worker, answer: unknown) => void) | undefined

  constructor(
    workers: readonly Worker[],
    done: (answers: readonly unknown[]) => void,
    took?: (worker: Worker, answer: unknown) => void,
  ) {
    this.#waiting = new Set(workers)
    this.#done = done
    this.#took = took
  }

  /** `undefined` is no answer. */
  take(worker: Worker, answer: unknown): void {
    if (!this.#waiting.delete(worker)) return
    if (answer !== undefined) {
      this.#taken.push(answer)
      this.#took?.(worker, answer)
    }
    if (this.#waiting.size === 0) this.#done(this.#taken)
  }
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message)
}

const REPLACE_AGAIN_MS = 1_000
