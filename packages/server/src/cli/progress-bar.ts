/** A bar on a terminal; elsewhere one line at the end of each tenth, so that a log shows that it goes on. */
const WIDTH = 40

export class ProgressBar {
  readonly #label: string
  readonly #isTerminal: boolean
  #lastTenth = -1

  constructor(label: string, isTerminal = process.stderr.isTTY === true) {
    this.#label = label
    this.#isTerminal = isTerminal
  }

  /** `note`: e.g. what it waits for. */
  show(done: number, total: number, note = ''): void {
    const part = total === 0 ? 1 : Math.min(done / total, 1)
    const text = `${done} of ${total}${note && `, ${note}`}`
    if (this.#isTerminal) {
      const full = Math.round(part * WIDTH)
      // To the end of the line nothing of a longer text may stay.
      process.stderr.write(`\r${this.#label} [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${text}\u001b[K`)
    } else if (Math.floor(part * 10) > this.#lastTenth) {
      this.#lastTenth = Math.floor(part * 10)
      process.stderr.write(`${this.#label} ${text}\n`)
    }
  }

  end(): void {
    if (this.#isTerminal) process.stderr.write('\n')
  }
}
