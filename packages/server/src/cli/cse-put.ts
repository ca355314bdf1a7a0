/** `strongroom cse put`: encrypts a file or standard input, and stores it. */
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { bodyProgress, openCseClient, tell } from './cse-client.ts'
import { type CseFlags, namedValues } from './cse-flags.ts'
import { EXIT } from './exit.ts'
import { interruptible } from './interruption.ts'
import { parseObjectUrl } from './s3-url.ts'

export interface PutFlags extends CseFlags {
  readonly contentType?: string
  readonly metadata?: readonly string[]
}

export async function putCommand(source: string, target: string, flags: PutFlags): Promise<number> {
  const { bucket: Bucket, key: Key } = parseObjectUrl(target)
  const Metadata = namedValues('--metadata', flags.metadata)
  const { client, s3, encryptionContext } = await openCseClient(flags, 'write')
  const progress = bodyProgress(source, flags)
  try {
    const body = await bodyOf(source)
    const parameters = { Bucket, Key, Metadata, ...(flags.contentType && { ContentType: flags.contentType }) }
    await interruptible((abortSignal) =>
      client.putObject({ ...parameters, ...body }, { ...progress, encryptionContext, abortSignal }),
    )
  } finally {
    progress.end()
    s3.destroy()
  }
  tell(flags, `${source} is encrypted as ${target}`)
  return EXIT.done
}

/** The length is that of a regular file only; what a pipe will give, nobody knows. */
async function bodyOf(source: string): Promise<{ readonly Body: Readable; readonly ContentLength?: number }> {
  if (source === '-') return { Body: process.stdin }
  const file = await open(source)
  const stat = await file.stat()
  const Body = file.createReadStream()
  return stat.isFile() ? { Body, ContentLength: stat.size } : { Body }
}
