/** Locks that a process takes by a file, and that its death gives back. */
import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { readIfPresent } from './durable-file.ts'

/**
 * Takes the lock at `path` for this process and returns what gives it back; or the id of the living process that has it
 * or is about to. The file names a process by id and start time, so that one left behind by a killed process, or a process
 * id used again, does not keep anybody out. It comes to its place whole, so nobody ever takes it for such a one.
 */
export async function takeProcessLock(path: string): Promise<(() => Promise<void>) | { readonly heldBy: number }> {
  const giveBack = () => rm(path, { force: true })
  const own = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeFile(own, `${process.pid} ${await startTime(process.pid)}\n`, { flag: 'wx', mode: 0o600 })
    for (;;) {
      if (await isLinked(own, path)) return giveBack
      const holder = await readIfPresent(path)
      if (holder === undefined) continue
      const heldBy = await livingHolder(holder)
      if (heldBy !== undefined) return { heldBy }

      // A dead holder's file is replaced by one process at a time, which looks again: it may be another's by now.
      const breaking = await takeProcessLock(`${path}.break.tmp`)
      if (typeof breaking !== 'function') return breaking
      try {
        if ((await readIfPresent(path)) !== holder) continue
        await rename(own, path)
        return giveBack
      } finally {
        await breaking()
      }
    }
  } finally {
    await rm(own, { force: true })
  }
}

/** False where `path` is there already. */
async function isLinked(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function livingHolder(holder: string): Promise<number | undefined> {
  const [pid = '', started = ''] = holder.trim().split(' ')
  return started !== '' && started === (await startTime(Number(pid))) ? Number(pid) : undefined
}

/**
 * When a process started, as its kernel tells; 'alive' where there is no /proc, '' where there is no such process. One that has
 * ended and only waits for its parent to ask how is none: some first processes of containers never ask.
 */
async function startTime(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  } catch {
    try {
      process.kill(pid, 0)
      return 'alive'
    } catch {
      return ''
    }
  }
}
