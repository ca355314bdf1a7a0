/** Trails: made, looked up, changed, started and stopped, removed. A trail belongs to an account and has a home region. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import { each } from '../records/each-record.ts'
import { prefixEnd } from '../records/names.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import { readTrailReference, refusedTrail, trailArn } from './trail-name.ts'
import {
  deliveredFileRecord,
  type LoggingSpan,
  type Trail,
  type TrailStatus,
  trailNames,
  trailRecord,
  trailStatusRecord,
} from './trail-records.ts'

export type NewTrail = Omit<Trail, 'trailId' | 'arn'>
/** What a change may not touch stays out of it. */
export type ChangeableTrail = Omit<Trail, 'trailId' | 'arn' | 'name' | 'accountId' | 'homeRegion'>

export interface TrailScope {
  readonly accountId: string
  readonly region: string
}

export class Trails {
  readonly #records: RecordStore
  readonly #clock: Clock

  constructor(records: RecordStore, clock: Clock) {
    this.#records = records
    this.#clock = clock
  }

  /** Throws TrailRefused where the name is taken, and where the region has as many trails as it may. */
  async create(made: NewTrail): Promise<Trail> {
    const { accountId, homeRegion, name } = made
    const at = trailNames.trail(accountId, homeRegion, name)
    const prefix = trailNames.trailsIn(accountId, homeRegion)
    const existing = await this.#records.names(trailRecord, {
      gte: prefix,
      lt: prefixEnd(prefix),
      limit: MOST_TRAILS + 1,
    })
    if (existing.some((one) => Buffer.compare(one, at) === 0)) throw alreadyExists(made)
    if (existing.length >= MOST_TRAILS) {
      throw refusedTrail(
        'MaximumNumberOfTrailsExceeded',
        `User: ${accountId} already has ${existing.length} trails in ${homeRegion}.`,
      )
    }
    const trail: Trail = {
      ...made,
      trailId: randomBytes(16).toString('hex'),
      arn: trailArn({ accountId, region: homeRegion, name }),
    }
    const status: TrailStatus = {
      trailId: trail.trailId,
      accountId,
      homeRegion,
      name,
      isLogging: false,
      spans: [],
      read: {},
      isSettled: true,
      nextNumber: 1,
      chains: {},
    }
    const committed = await this.#records.commit(
      [this.#records.still(trailRecord, at, undefined)],
      [
        this.#records.put(trailRecord, at, trail),
        this.#records.put(trailStatusRecord, trailNames.status(trail.trailId), status),
      ],
    )
    if (!committed) throw alreadyExists(made)
    return trail
  }

  /**
   * By name or ARN: of the region, or one of another region that covers it. Throws TrailRefused: TrailNotFound, and where the
   * text is neither.
   */
  async find(text: string, { accountId, region }: TrailScope): Promise<Trail> {
    const reference = readTrailReference(text, accountId, region)
    const stored = await this.#stored(reference.accountId, reference.region, reference.name)
    if (stored && reference.accountId === accountId) return stored.value
    if (!text.startsWith('arn:')) {
      for await (const trail of this.ofAccount(accountId)) {
        if (trail.name === reference.name && trail.isMultiRegionTrail) return trail
      }
    }
    throw notFound(text, accountId)
  }

  /** For what is done in a trail's home region alone. Throws TrailRefused as `find`, and where the region is another. */
  async findAtHome(text: string, scope: TrailScope): Promise<Trail> {
    const trail = await this.find(text, scope)
    if (trail.homeRegion === scope.region) return trail
    throw refusedTrail(
      'InvalidHomeRegion',
      `The trail ${trail.arn} can be changed in its home region ${trail.homeRegion} only.`,
    )
  }

  /** By region and name. */
  async *ofAccount(accountId: string): AsyncIterable<Trail> {
    for await (const { value } of each(this.#records, trailRecord, trailNames.trailsOf(accountId))) yield value
  }

  /** Throws TrailRefused where it is gone. */
  async change(trail: Trail, next: (current: Trail) => ChangeableTrail): Promise<Trail> {
    const at = trailNames.trail(trail.accountId, trail.homeRegion, trail.name)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const stored = await this.#records.get(trailRecord, at)
      if (stored?.value.trailId !== trail.trailId) throw notFound(trail.arn, trail.accountId)
      const changed: Trail = { ...stored.value, ...next(stored.value) }
      if (
        await this.#records.commit(
          [this.#records.unchanged(trailRecord, stored)],
          [this.#records.put(trailRecord, at, changed)],
        )
      )
        return changed
    }
    throw new Fault('Contention', { what: 'a trail' })
  }

  /** What it logged until now is still delivered. */
  async remove(trail: Trail): Promise<void> {
    await this.stopLogging(trail)
    const at = trailNames.trail(trail.accountId, trail.homeRegion, trail.name)
    const statusAt = trailNames.status(trail.trailId)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const [stored, status] = await this.#records.getBoth([trailRecord, at], [trailStatusRecord, statusAt])
      if (!status || stored?.value.trailId !== trail.trailId) throw notFound(trail.arn, trail.accountId)
      const done = await this.#records.commit(
        [this.#records.unchanged(trailRecord, stored), this.#records.unchanged(trailStatusRecord, status)],
        [
          this.#records.remove(trailRecord, at),
          this.#records.put(trailStatusRecord, statusAt, { ...status.value, ended: stored.value }),
        ],
      )
      if (done) return
    }
    throw new Fault('Contention', { what: 'a trail' })
  }

  /** Events from `nowMs` on are logged. Nothing happens where they are already. */
  async startLogging(trail: Trail, nowMs = this.#clock.nowMs()): Promise<void> {
    await this.changeStatus(trail.trailId, (status) =>
      status.isLogging
        ? status
        : {
            ...status,
            isLogging: true,
            isSettled: false,
            startedAtMs: nowMs,
            spans: [...recentSpans(status.spans, nowMs), { fromMs: nowMs }],
          },
    )
  }

  /** Events until now are logged. Nothing happens where they are not. */
  async stopLogging(trail: Trail): Promise<void> {
    const nowMs = this.#clock.nowMs()
    await this.changeStatus(trail.trailId, (status) =>
      status.isLogging
        ? { ...status, isLogging: false, stoppedAtMs: nowMs, spans: status.spans.map((span) => closed(span, nowMs)) }
        : status,
    )
  }

  async status(trailId: string): Promise<TrailStatus | undefined> {
    return (await this.#records.get(trailStatusRecord, trailNames.status(trailId)))?.value
  }

  /** Of all accounts, also of trails that are gone and have not delivered all. */
  async *statuses(): AsyncIterable<TrailStatus> {
    for await (const { value } of each(this.#records, trailStatusRecord)) yield value
  }

  /** The trail that a status is of; as it was last where it is gone. */
  async ofStatus({ ended, accountId, homeRegion, name, trailId }: TrailStatus): Promise<Trail | undefined> {
    if (ended) return ended
    const stored = await this.#stored(accountId, homeRegion, name)
    return stored?.value.trailId === trailId ? stored.value : undefined
  }

  /**
   * `next` keeps what it does not mean to change, and changes nothing where it returns what it was given. `mutations` are
   * committed along with it.
   */
  async changeStatus(
    trailId: string,
    next: (current: TrailStatus) => TrailStatus,
    mutations: readonly Mutation[] = [],
  ): Promise<TrailStatus> {
    const at = trailNames.status(trailId)
    for (let attempt = 0; attempt < COMMIT_ATTEMPTS; attempt++) {
      const stored = await this.#records.get(trailStatusRecord, at)
      if (!stored) throw new Fault('Contention', { what: 'a trail that is gone' })
      const changed = next(stored.value)
      if (changed === stored.value && mutations.length === 0) return changed
      const done = await this.#records.commit(
        [this.#records.unchanged(trailStatusRecord, stored)],
        [this.#records.put(trailStatusRecord, at, changed), ...mutations],
      )
      if (done) return changed
    }
    throw new Fault('Contention', { what: 'the status of a trail' })
  }

  /** Of a trail that is gone, once there is nothing left to deliver. */
  async forget({ trailId }: TrailStatus): Promise<void> {
    const files: Uint8Array[] = []
    for await (const { name } of each(this.#records, deliveredFileRecord, trailNames.filesOf(trailId))) files.push(name)
    await this.#records.commit(
      [],
      [
        this.#records.remove(trailStatusRecord, trailNames.status(trailId)),
        ...files.map((name) => this.#records.remove(deliveredFileRecord, name)),
      ],
    )
  }

  #stored(accountId: string, region: string, name: string): Promise<Stored<Trail> | undefined> {
    return this.#records.get(trailRecord, trailNames.trail(accountId, region, name))
  }
}

/** Events of a span that is over may still come for a while; an upload that began in it may be long under way. */
export const recentSpans = (spans: readonly LoggingSpan[], nowMs: number): readonly LoggingSpan[] =>
  spans.filter(({ toMs }) => toMs === undefined || toMs + SPAN_KEPT_MS > nowMs)

const closed = (span: LoggingSpan, nowMs: number): LoggingSpan =>
  span.toMs === undefined ? { ...span, toMs: nowMs } : span

const alreadyExists = ({ name, accountId }: Pick<Trail, 'name' | 'accountId'>) =>
  refusedTrail('TrailAlreadyExists', `Trail ${name} already exists for customer: ${accountId}`)

const notFound = (text: string, accountId: string) =>
  refusedTrail('TrailNotFound', `Unknown trail: ${text} for the user: ${accountId}`)

const MOST_TRAILS = 5
const SPAN_KEPT_MS = 86_400_000
const COMMIT_ATTEMPTS = 20
