/** How far a migration has come, in a file, so that one that was cut off goes on where it was. Nothing in it is secret. */

import { rm } from 'node:fs/promises'
import { readIfPresent, writeFileDurably } from '../core/durable-file.ts'
import { UsageError } from './exit.ts'

/** Which migration a file is of. */
export interface MigrationName {
  readonly endpoint: string
  readonly target: string
}

interface Kept extends MigrationName {
  readonly version: 1
  /** All up to this key are done, but those that failed. */
  readonly after?: string
  readonly failed: readonly string[]
}

/** Between two writings of the file; what is done again after a crash is found encrypted and passed over. */
const EVERY_MS = 1000

export class MigrationState {
  readonly #path: string | undefined
  readonly #name: MigrationName
  readonly #resumed: Kept | undefined
  #after: string | undefined
  readonly #failed: Set<string>
  /** In the order of the listing; true: done. */
  readonly #underWay = new Map<string, boolean>()
  #savedAtMs = 0
  #saving: Promise<void> = Promise.resolve()

  private constructor(path: string | undefined, name: MigrationName, kept: Kept | undefined) {
    this.#path = path
    this.#name = name
    this.#resumed = kept
    this.#after = kept?.after
    this.#failed = new Set(kept?.failed)
  }

  /** Without a path nothing is kept. Throws UsageError where the file is of another migration. */
  static async open(path: string | undefined, name: MigrationName): Promise<MigrationState> {
    const text = path === undefined ? undefined : await readIfPresent(path)
    return new MigrationState(path, name, text === undefined ? undefined : parse(path!, text, name))
  }

  get after(): string | undefined {
    return this.#resumed?.after
  }

  /** Keys that failed the last time and stand before {@link after}. */
  get failedBefore(): readonly string[] {
    return this.#resumed?.failed ?? []
  }

  /** A key of the listing, in its order. */
  begun(key: string): void {
    this.#underWay.set(key, false)
  }

  /** Of a key that has begun, or of one that failed the last time. Writes the file from time to time. */
  async ended(key: string, failed: boolean): Promise<void> {
    if (failed) this.#failed.add(key)
    else this.#failed.delete(key)
    if (this.#underWay.has(key)) this.#underWay.set(key, true)
    for (const [first, done] of this.#underWay) {
      if (!done) break
      this.#after = first
      this.#underWay.delete(first)
    }
    if (Date.now() - this.#savedAtMs >= EVERY_MS) await this.save()
  }

  /** Writes how far it is. */
  save(): Promise<void> {
    if (this.#path === undefined) return Promise.resolve()
    this.#savedAtMs = Date.now()
    const path = this.#path
    this.#saving = this.#saving.then(() => writeFileDurably(path, this.#text(), 0o600))
    return this.#saving
  }

  /** When all is done: the file goes, unless something failed. */
  async finish(): Promise<void> {
    await this.save()
    if (this.#path !== undefined && this.#failed.size === 0) await rm(this.#path, { force: true })
  }

  #text(): string {
    const kept: Kept = {
      version: 1,
      ...this.#name,
      ...(this.#after !== undefined && { after: this.#after }),
      // What stands behind `after` is met again anyway.
      failed: [...this.#failed].filter((key) => !this.#underWay.has(key)),
    }
    return `${JSON.stringify(kept, undefined, 2)}\n`
  }
}

function parse(path: string, text: string, { endpoint, target }: MigrationName): Kept {
  let kept: Partial<Kept>
  try {
    kept = JSON.parse(text) as Partial<Kept>
  } catch {
    throw new UsageError(`${path} is not the state of a migration`)
  }
  if (kept.version !== 1 || !Array.isArray(kept.failed)) throw new UsageError(`${path} is not the state of a migration`)
  if (kept.endpoint !== endpoint || kept.target !== target)
    throw new UsageError(`${path} is of another migration: ${kept.target} at ${kept.endpoint}`)
  return kept as Kept
}
