/** Bounds what one request may cost, and lets others have their turn meanwhile. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MathError } from './parse.ts'

export class Budget {
  #points = 0
  #atLastTurn = 0
  #searches = 0

  /** Throws MathError where the request has needed too many data points, in all its steps together. */
  async spend(points: number): Promise<void> {
    this.#points += points
    if (this.#points > MAX_POINTS) throw new MathError('The request needs too many data points')
    if (this.#points - this.#atLastTurn < POINTS_A_TURN) return
    this.#atLastTurn = this.#points
    await nextTurn()
  }

  /** Throws MathError where there were too many searches. */
  search(): void {
    if (++this.#searches > MAX_SEARCHES) throw new MathError(`The request has more than ${MAX_SEARCHES} searches`)
  }
}

const MAX_POINTS = 10_000_000
const POINTS_A_TURN = 100_000
const MAX_SEARCHES = 5
