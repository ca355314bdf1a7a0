/**
 * How late and how busy this process's event loop is, in windows of a quarter of a minute, so that several can look
 * without taking anything from each other.
 */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks'

export class EventLoopWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #timer: NodeJS.Timeout
  /** 99th percentiles of the last windows, in seconds. */
  readonly #delays: number[] = []
  #since: EventLoopUtilization = performance.eventLoopUtilization()
  #utilization: number | undefined

  constructor() {
    this.#delay.enable()
    this.#timer = setInterval(() => this.#endWindow(), WINDOW_MS)
    this.#timer.unref()
  }

  /** 99th percentile of the worst window of the last minute. */
  get delaySeconds(): number {
    return Math.max(this.#now(), ...this.#delays)
  }

  /** Between 0 and 1. */
  get utilization(): number {
    return this.#utilization ?? performance.eventLoopUtilization(this.#since).utilization
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#delay.disable()
  }

  #endWindow(): void {
    this.#delays.push(this.#now())
    if (this.#delays.length > WINDOWS) this.#delays.shift()
    this.#delay.reset()
    const now = performance.eventLoopUtilization()
    this.#utilization = performance.eventLoopUtilization(now, this.#since).utilization
    this.#since = now
  }

  /** Node.js measures how long a timer takes that should take the resolution; what is more is the delay. */
  #now(): number {
    // Nothing was measured at the very beginning of a window.
    if (this.#delay.count === 0) return 0
    return Math.max(0, this.#delay.percentile(99) / 1e9 - RESOLUTION_MS / 1000)
  }
}

const RESOLUTION_MS = 20
const WINDOW_MS = 15_000
const WINDOWS = 4
