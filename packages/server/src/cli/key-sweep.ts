/** What falls due for keys with time, in every region, and for the server's own. */
import type { Journals } from '../audit/journals.ts'
import type { Clock } from '../core/clock.ts'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import type { Store } from './store.ts'

/** What is scheduled from now on falls due in days at the earliest, but for imported material, which no use waits for. */
const LOOK_AGAIN_MS = 3_600_000

/** What the server does with a key of itself: CloudTrail's name of the event, and what the log says of it. */
const SERVICE_EVENTS = [
  ['destroyed', 'DeleteKey', 'has been deleted: its waiting period is over'],
  ['expired', 'DeleteExpiredKeyMaterial', 'has lost key material: it has expired'],
  ['rotated', 'RotateKey', 'has new material: its rotation was due'],
] as const

export class KeySweep {
  readonly #store: Store
  readonly #journals: Pick<Journals, 'appendEvent'>
  readonly #clock: Clock
  readonly #tell: (text: string) => void
  #nextAtMs = 0

  /** `tell` is told of everything that was done. */
  constructor(store: Store, journals: Pick<Journals, 'appendEvent'>, clock: Clock, tell: (text: string) => void) {
    this.#store = store
    this.#journals = journals
    this.#clock = clock
    this.#tell = tell
  }

  /**
   * Looks at the keys where something may have fallen due since the last time. What went wrong with a key is told and tried
   * again at the next look, so that one damaged record does not have all read, and itself told of, at every tick.
   */
  async run(): Promise<void> {
    if (this.#clock.nowMs() < this.#nextAtMs) return
    let nextAtMs = this.#clock.nowMs() + LOOK_AGAIN_MS
    for (const { upkeep } of this.#store.kmsByRegion.values()) {
      const { problems, nextDueAtMs, ...done } = await upkeep.pass()
      for (const [what, name, told] of SERVICE_EVENTS) {
        for (const arn of done[what]) {
          this.#tell(`${arn} ${told}`)
          await this.#record(name, arn)
        }
      }
      for (const problem of problems) this.#tell(problem)
      nextAtMs = Math.min(nextAtMs, nextDueAtMs)
    }
    for (const purpose of await this.#store.serviceKeys.rotateDueKeys()) {
      this.#tell(`the service key ${purpose} has new material: its rotation was due`)
      await this.#journals.appendEvent({
        atMs: this.#clock.nowMs(),
        source: 'strongroom',
        name: 'RotateServiceKey',
        region: this.#store.region,
        accountId: ROOT_ACCOUNT,
        resources: [],
        serviceEventDetails: { purpose },
      })
    }
    this.#nextAtMs = nextAtMs
  }

  #record(name: string, arn: string): Promise<void> {
    const [, , , region = '', accountId = '', resource = ''] = arn.split(':')
    return this.#journals.appendEvent({
      ...{ atMs: this.#clock.nowMs(), source: 'kms.amazonaws.com', name, region, accountId },
      resources: [{ accountId, type: 'AWS::KMS::Key', ARN: arn }],
      serviceEventDetails: { keyId: resource.slice('key/'.length) },
    })
  }
}
