/**
 * Holds on the blobs of a folder, as files that their process touches again and again. One that nobody touches any more
 * was left by a process that died, and counts for nothing.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freshHex } from '@strongroom/crypto/node'
import type { Clock } from '../core/clock.ts'
import type { BlobHold } from './blobs.ts'

const TOUCH_EVERY_MS = 15_000
/** A process that is held up for longer loses its hold; it will miss a blob then, and say so. */
const LIVES_MS = 120_000

export class FileHolds {
  readonly #dir: string
  readonly #clock: Clock

  constructor(dir: string, clock: Clock) {
    this.#dir = dir
    this.#clock = clock
  }

  async take(): Promise<BlobHold> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 })
    const path = join(this.#dir, freshHex(8))
    const touch = () => writeFile(path, `process ${process.pid}\n`, { mode: 0o600 })
    await touch()
    let touching: Promise<unknown> = Promise.resolve()
    const timer = setInterval(() => {
      // Where this fails, the next one may not.
      touching = touch().catch(() => {})
    }, TOUCH_EVERY_MS)
    timer.unref()
    return {
      async release() {
        clearInterval(timer)
        await touching
        await rm(path, { force: true })
      },
    }
  }

  async isTaken(): Promise<boolean> {
    let isTaken = false
    for (const name of await readdir(this.#dir).catch(() => [])) {
      const path = join(this.#dir, name)
      const touched = await stat(path).catch(() => undefined)
      if (!touched) continue
      if (this.#clock.nowMs() - touched.mtimeMs < LIVES_MS) isTaken = true
      else await rm(path, { force: true })
    }
    return isTaken
  }
}
