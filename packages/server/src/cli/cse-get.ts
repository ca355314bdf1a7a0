/** `strongroom cse get`: fetches and decrypts an object, into a file that is whole or absent, or onto standard output. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { syncFolder } from '../core/durable-file.ts'
import { bodyProgress, openCseClient, tell } from './cse-client.ts'
import type { CseFlags } from './cse-flags.ts'
import { EXIT, UsageError } from './exit.ts'
import { interruptible } from './interruption.ts'
import { parseObjectUrl } from './s3-url.ts'

export async function getCommand(source: string, target: string, flags: CseFlags): Promise<number> {
  const { bucket: Bucket, key: Key } = parseObjectUrl(source)
  if (target !== '-') await requireReplaceable(target)
  const { client, s3, encryptionContext } = await openCseClient(flags, 'read')
  const progress = bodyProgress(source, flags)
  let bytes: number | undefined
  try {
    await interruptible(async (abortSignal) => {
      const reply = await client.getObject({ Bucket, Key }, { ...progress, encryptionContext, abortSignal })
      bytes = reply.ContentLength
      const body = reply.Body as Readable
      if (target === '-') await pipeline(body, process.stdout, { signal: abortSignal, end: false })
      else await intoFile(body, target, abortSignal)
    })
  } finally {
    progress.end()
    s3.destroy()
  }
  tell(flags, `${source}: ${bytes} bytes, decrypted and authentic`)
  return EXIT.done
}

/** A device, a pipe or a folder is not to be replaced by a file. Throws UsageError. */
async function requireReplaceable(target: string): Promise<void> {
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found && !found.isFile()) throw new UsageError(`${target} is no file; - writes to standard output`)
}

/** Under another name until all of it is there, which nobody else may read. */
async function intoFile(body: Readable, target: string, signal: AbortSignal): Promise<void> {
  const partial = `${target}.partial`
  try {
    // One that a process left behind which was killed; anew, so that its mode is ours.
    await rm(partial, { force: true })
    const file = await open(partial, 'wx', 0o600)
    await pipeline(body, file.createWriteStream({ flush: true }), { signal })
    await rename(partial, target)
  } catch (error) {
    body.destroy()
    await rm(partial, { force: true })
    throw error
  }
  await syncFolder(dirname(target))
}
