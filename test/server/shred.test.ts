/** The end of a key, and what is left of it on disk. */
import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateKeyCommand, DescribeKeyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { failure, kmsClient, s3Client } from '../support/sdk.ts'
import { fsck, program, startServer } from '../support/server.ts'

/** Eight days on, for a process of its own. */
const LATER = '--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()+8*86400000'

test('a key that is over leaves nothing behind that opens, and keys shred nothing of its record', async () => {
  let server = await startServer()
  const { dataDir } = server
  try {
    const [kms, s3] = [kmsClient(server), s3Client(server)]
    const newKey = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
    const [doomed, kept] = [await newKey(), await newKey()]
    await s3.send(new CreateBucketCommand({ Bucket: 'shredded' }))
    for (const [Key, { KeyId }] of Object.entries({ lost: doomed, letter: kept })) {
      const under = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KeyId } as const
      await s3.send(new PutObjectCommand({ Bucket: 'shredded', Key, Body: 'letter', ...under }))
    }
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: doomed.KeyId, PendingWindowInDays: 7 }))
    await server.stop()

    const secrets = async () =>
      (await readdir(join(dataDir, 'key-secrets'), { recursive: true })).filter((name) => name.includes('/'))
    expect(await secrets()).toHaveLength(2)
    const [someone] = await secrets()
    // As a process leaves it that ends before it names what it made.
    await writeFile(
      join(dataDir, 'key-secrets', someone!.slice(0, 3) + someone!.slice(3, 5) + '0'.repeat(30)),
      Buffer.alloc(32),
    )
    const run = async (NODE_OPTIONS: string) => {
      const env = { ...process.env, NODE_OPTIONS }
      const args = [program, 'keys', 'shred', '--data', dataDir, '--json']
      return JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout) as { secrets: number }
    }
    const catalog = async () => (await readFile(join(dataDir, 'catalog', 'catalog.mdb'))).toString('latin1')
    expect(await run('')).toMatchObject({ secrets: 1 })
    expect(await secrets()).toHaveLength(2)
    expect(await catalog()).toContain(doomed.KeyId)

    expect(await run(LATER)).toMatchObject({ secrets: 0 })
    expect(await secrets()).toHaveLength(1)
    expect(await catalog()).not.toContain(doomed.KeyId)
    expect(await catalog()).toContain(kept.KeyId)

    server = await startServer({ dataDir })
    const get = (Key: string) => s3Client(server).send(new GetObjectCommand({ Bucket: 'shredded', Key }))
    expect(await (await get('letter')).Body!.transformToString()).toBe('letter')
    expect(await failure(get('lost'))).toEqual({
      code: 'KMS.NotFoundException',
      status: 400,
      message: `Key '${doomed.Arn}' does not exist`,
    })
    const described = kmsClient(server).send(new DescribeKeyCommand({ KeyId: doomed.KeyId }))
    expect((await failure(described)).code).toBe('NotFoundException')
    await server.stop()
    expect(await fsck(dataDir)).toMatchObject({ code: 0 })
  } finally {
    await server.remove()
  }
})

test('killed at whatever moment of a deletion, it ends the next time, and all else opens', async () => {
  let server = await startServer()
  const { dataDir } = server
  try {
    const [kms, s3] = [kmsClient(server), s3Client(server)]
    await s3.send(new CreateBucketCommand({ Bucket: 'kept' }))
    const kept = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!
    const under = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kept.KeyId } as const
    await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'letter', Body: 'letter', ...under }))
    const doomed = await Promise.all(Array.from({ length: 60 }, () => kms.send(new CreateKeyCommand({}))))
    for (const { KeyMetadata } of doomed) {
      await kms.send(new ScheduleKeyDeletionCommand({ KeyId: KeyMetadata!.KeyId, PendingWindowInDays: 7 }))
    }
    await server.stop()

    const args = [program, 'keys', 'shred', '--data', dataDir]
    const run = (options: object = {}) =>
      promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: LATER }, ...options })
    // How long a run takes before it does anything differs, so the moments are many.
    for (let timeout = 150; timeout < 1200; timeout += 70) await run({ timeout, killSignal: 'SIGKILL' }).catch(() => {})
    await run()
    const names = await readdir(join(dataDir, 'key-secrets'), { recursive: true })
    expect(names.filter((name) => name.includes('/'))).toHaveLength(1)
    expect(await fsck(dataDir)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1 KMS keys/) })

    server = await startServer({ dataDir })
    const got = await s3Client(server).send(new GetObjectCommand({ Bucket: 'kept', Key: 'letter' }))
    expect(await got.Body!.transformToString()).toBe('letter')
  } finally {
    await server.remove()
  }
})
