/** Commits that somebody else may be faster than, and that are tried again then. */
import { Fault } from '../core/fault.ts'

/** What `once` resolves to at last; it resolves to nothing where somebody else was faster. Throws Contention. */
export async function attempt<T>(what: string, once: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const result = await once()
    if (result !== undefined) return result
  }
  throw new Fault('Contention', { what })
}

const MOST_TRIES = 10
