/** Locks that a process takes by a file, and that its death gives back. */
import { open, readFile, rm } from 'node:fs/promises'

/**
 * Takes the lock at `path` for this process and returns what gives it back; or the id of the living process that has it.
 * The file names a process by id and start time, so that one left behind by a killed process, or a process id used again,
 * does not keep anybody out.
 */
export async function takeProcessLock(path: string): Promise<(() => Promise<void>) | { readonly heldBy: number }> {
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        await file.writeFile(`${process.pid} ${await startTime(process.pid)}\n`)
      } finally {
        await file.close()
      }
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = await readFile(path, 'utf8').catch(() => '')
    const [pid = '', started = ''] = holder.trim().split(' ')
    if (pid !== '' && started === (await startTime(Number(pid)))) return { heldBy: Number(pid) }
    await rm(path, { force: true })
  }
}

/** When a process started, as its kernel tells; 'alive' where there is no /proc, '' where there is no such process. */
async function startTime(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    try {
      process.kill(pid, 0)
      return 'alive'
    } catch {
      return ''
    }
  }
}
