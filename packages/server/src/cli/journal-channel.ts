/**
 * A worker's way to the journals, which the primary writes: entries go over the channel, many in one message, and come to
 * be durable together.
 */
import { DATA_WINDOW_MS, type Entry, type EventJournal, type JournalSink } from '../audit/audit-trail.ts'
import type { JournalName } from '../audit/journals.ts'
import { memoryPasses } from '../core/passing-memory.ts'
import { PayloadBuilder } from '../journal/payload.ts'
import type { ToPrimary } from './channel.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class JournalChannel implements JournalSink {
  readonly #say: (message: ToPrimary) => void
  readonly #onLost: (error: Error, entries: number) => void
  /** Not sent yet: one message is under way at a time, so that a busy process sends few. */
  readonly #kept = new PayloadBuilder()
  #waiting: Waiting[] = []
  readonly #added = new Map<JournalName, PayloadBuilder>()
  /** How many of each have been sent. */
  readonly #payloads = new Map<JournalName, number>()
  readonly #sent = new Map<
    number,
    { readonly waiting: readonly Waiting[]; readonly bytes: number; readonly entries: number }
  >()
  #unanswered = 0
  #keptUnderWay: number | undefined
  #isSending = false
  #nextId = 1
  readonly #timer: NodeJS.Timeout

  /** `onLost`: entries for which nobody waited could not be kept. */
  constructor(say: (message: ToPrimary) => void, onLost: (error: Error, entries: number) => void) {
    this.#say = say
    this.#onLost = onLost
    this.#timer = setInterval(() => this.flush(), DATA_WINDOW_MS / 2)
    this.#timer.unref()
  }

  keep(_journal: EventJournal, entries: readonly Entry[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0 && this.#keptUnderWay === undefined) this.#sendKeptSoon()
      for (const { atMs, content } of entries) this.#kept.add(atMs, content)
      this.#waiting.push({ resolve, reject })
    })
  }

  add(journal: JournalName, entries: readonly Entry[]): void {
    let added = this.#added.get(journal)
    if (!added) {
      added = new PayloadBuilder()
      this.#added.set(journal, added)
    }
    for (const { atMs, content } of entries) added.add(atMs, content)
    if (added.size >= SENT_AT_BYTES) this.#sendAdded(journal, added)
  }

  payloadOf(journal: JournalName): number {
    return this.#payloads.get(journal) ?? 0
  }

  /** Sends what nobody waits for. */
  flush(): void {
    for (const [journal, added] of this.#added) if (added.count > 0) this.#sendAdded(journal, added)
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.flush()
    await new Promise<void>((resolve) => {
      const look = () => (this.#sent.size === 0 && this.#waiting.length === 0 ? resolve() : setTimeout(look, 10))
      look()
    })
  }

  /** The primary's answer. */
  answered(id: number, error: string | undefined): void {
    const sent = this.#sent.get(id)
    if (!sent) return
    this.#sent.delete(id)
    if (id === this.#keptUnderWay) {
      this.#keptUnderWay = undefined
      if (this.#waiting.length > 0) this.#sendKeptSoon()
    }
    this.#unanswered -= sent.bytes
    if (error !== undefined && sent.waiting.length === 0) this.#onLost(new Error(error), sent.entries)
    for (const { resolve, reject } of sent.waiting) {
      if (error === undefined) resolve()
      else reject(new Error(`the audit trail could not be written: ${error}`))
    }
  }

  /**
   * Once a few turns of the event loop have brought nothing more: what comes in them shares message and sync, which cost more
   * than what it waits. In an idle process a turn is a few microseconds.
   */
  #sendKeptSoon(): void {
    if (this.#isSending) return
    this.#isSending = true
    let turns = 0
    let quietTurns = 0
    let seen = this.#waiting.length
    const turn = () => {
      quietTurns = this.#waiting.length > seen ? 0 : quietTurns + 1
      seen = this.#waiting.length
      if (quietTurns < QUIET_TURNS && ++turns < MOST_TURNS) return setImmediate(turn)
      this.#isSending = false
      return this.#sendKept()
    }
    setImmediate(turn)
  }

  #sendKept(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#keptUnderWay = this.#send('management', this.#kept, waiting)
  }

  #sendAdded(journal: JournalName, added: PayloadBuilder): void {
    // A primary that does not keep up, or a disk that is full, must not take this process's memory.
    if (this.#unanswered > MOST_UNANSWERED_BYTES) {
      const { count } = added
      added.take()
      this.#payloads.set(journal, this.payloadOf(journal) + 1)
      this.#onLost(new Error('the journals do not keep up'), count)
      return
    }
    this.#send(journal, added, [])
  }

  #send(journal: JournalName, entries: PayloadBuilder, waiting: readonly Waiting[]): number {
    const id = this.#nextId++
    const payload = entries.take()
    this.#payloads.set(journal, this.payloadOf(journal) + 1)
    const { length } = payload.bytes
    this.#unanswered += length
    this.#sent.set(id, { waiting, bytes: length, entries: payload.count })
    // It is copied on the channel at once.
    this.#say({ type: 'journal', id, journal, payload })
    memoryPasses(length)
    return id
  }
}

const QUIET_TURNS = 12
const MOST_TURNS = 64
/** About a frame. */
const SENT_AT_BYTES = 94 * 1024
const MOST_UNANSWERED_BYTES = 64 * 1024 * 1024
