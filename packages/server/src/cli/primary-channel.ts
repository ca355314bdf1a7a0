/** A worker's end of the channel to the primary: questions to it and to all workers, and its answers. */
import type { Lease, QuotaScope } from '../quota/quota-book.ts'
import type { Question, ToPrimary } from './channel.ts'

export class PrimaryChannel {
  readonly #say: (message: ToPrimary) => void
  readonly #asked = new Map<number, (answers: readonly unknown[]) => void>()
  readonly #leasing = new Map<number, (lease: Lease | undefined) => void>()
  #nextId = 1

  constructor(say: (message: ToPrimary) => void) {
    this.#say = say
  }

  /** What all workers answer, or the primary for them. */
  askAll(question: Question): Promise<readonly unknown[]> {
    return new Promise((resolve) => {
      const id = this.#nextId++
      this.#asked.set(id, resolve)
      this.#say({ type: 'want', id, question })
    })
  }

  answered(id: number, answers: readonly unknown[]): void {
    this.#asked.get(id)?.(answers)
    this.#asked.delete(id)
  }

  /** Of the primary's quota book. */
  async lease(scope: QuotaScope, needed: number, spare: number): Promise<Lease> {
    const lease = await new Promise<Lease | undefined>((resolve) => {
      const id = this.#nextId++
      this.#leasing.set(id, resolve)
      this.#say({ type: 'lease', id, scope, needed, spare })
    })
    if (!lease) throw new Error('the primary could not read the quota')
    return lease
  }

  leased(id: number, lease: Lease | undefined): void {
    this.#leasing.get(id)?.(lease)
    this.#leasing.delete(id)
  }
}
