/** The data folder: where what stands, and the lock that keeps a second server out. */
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError } from './exit.ts'

export interface DataFolder {
  readonly dir: string
  readonly catalogDir: string
  readonly blobsDir: string
  readonly tlsDir: string
  /** Deletable secrets of KMS keys. */
  readonly keySecretsDir: string
}

export function dataFolder(dir: string): DataFolder {
  return {
    dir,
    catalogDir: join(dir, 'catalog'),
    blobsDir: join(dir, 'blobs'),
    tlsDir: join(dir, 'tls'),
    keySecretsDir: join(dir, 'key-secrets'),
  }
}

/**
 * Takes the folder for this process and returns what gives it back. The lock names a process by id and start time, so
 * that one left behind by a killed server, or a process id used again, does not keep anybody out.
 * Throws ConfigurationError where a living process holds it.
 */
export async function lockDataFolder(folder: DataFolder): Promise<() => Promise<void>> {
  await mkdir(folder.dir, { recursive: true, mode: 0o700 })
  const path = join(folder.dir, 'server.lock')
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
    if (pid !== '' && started === (await startTime(Number(pid)))) {
      throw new ConfigurationError(`${folder.dir} is in use by the server with process id ${pid}`)
    }
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
