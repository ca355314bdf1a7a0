/** What survives kill -9 of everything, or of one worker at its worst moment; and what a reply promises. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { s3Client } from '../support/sdk.ts'
import { childrenOf, fsck, startServer, type TestServer } from '../support/server.ts'

const ROUNDS = 20
const WRITERS = 16
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0
if (!canTrace) console.log('SKIPPED: strace is not installed, or may not trace here')

test('killed under writers, every acknowledged object is whole after a restart, and fsck agrees', async () => {
  let server = await startServer()
  const { dataDir } = server
  await s3Client(server).send(new CreateBucketCommand({ Bucket: 'crash' }))
  const acknowledged = new Map<string, string>()
  for (let round = 0; round < ROUNDS; round++) {
    const s3 = s3Client(server)
    let stopped = false
    let written = 0
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; !stopped; i++) {
        const Key = `${round % 4}/${writer}/${i % 5}`
        const Body = randomBytes(i % 2 ? 2_000 : 300_000)
        // Until it is acknowledged either version may be there, so nothing is claimed of this key.
        acknowledged.delete(Key)
        const done = await s3.send(new PutObjectCommand({ Bucket: 'crash', Key, Body })).catch(() => undefined)
        if (done) acknowledged.set(Key, sha256(Body))
        written++
      }
    })
    // At another point of the work in each round.
    await expect.poll(() => written, { timeout: 30_000, interval: 5 }).toBeGreaterThan(20 + round * 7)
    await server.kill()
    stopped = true
    await Promise.all(writers)
    expect(await fsck(dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 problems') })
    server = await startServer({ dataDir })
    await expectAll(s3Client(server), acknowledged)
  }
  expect(acknowledged.size).toBeGreaterThan(20)
  await server.remove()
}, 300_000)

async function expectAll(s3: S3Client, acknowledged: ReadonlyMap<string, string>): Promise<void> {
  for (const [Key, hash] of acknowledged) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'crash', Key }))
    expect(sha256(await Body!.transformToByteArray())).toBe(hash)
  }
}

test('a killed worker is replaced while the others go on', async () => {
  const server = await startServer({ workers: 2 })
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'workers' }))
  const [victim] = await childrenOf(server.pid)
  process.kill(victim!, 'SIGKILL')
  await expectReplaced(server, s3, victim!)
  await server.remove()
})

test.skipIf(!canTrace)('a worker that is killed within a commit, holding its lock, holds up nobody', async () => {
  const server = await startServer({ workers: 2 })
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'workers' }))
  for (let round = 0; round < 3; round++) {
    const [victim] = await childrenOf(server.pid)
    // Small objects: the only sync of a PUT is the catalog's, within LMDB's write transaction.
    const inject = 'inject=fdatasync:signal=SIGKILL:when=1'
    const args = ['-f', '-q', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject, '-p', String(victim)]
    const tracer = spawn('strace', args, { stdio: 'ignore' })
    await traced(victim!, tracer)
    while ((await childrenOf(server.pid)).includes(victim!)) {
      // Connections go to either worker; those of the killed one fail, which is all that may.
      await Promise.allSettled(Array.from({ length: 8 }, () => put(s3Client(server), 'k')))
    }
    await expectReplaced(server, s3, victim!)
    tracer.kill()
  }
  await server.stop()
  expect(await fsck(server.dataDir)).toMatchObject({ code: 0 })
  await server.remove()
})

test.skipIf(!canTrace)(
  'each PUT is answered after blob, folder and catalog are synced',
  async () => {
    const trace = join(tmpdir(), `strongroom-trace-${process.pid}`)
    const calls = 'trace=fdatasync,fsync,rename,write,writev'
    const server = await startServer({
      workers: 1,
      under: ['strace', '-f', '-q', '-y', '-s', '16', '-o', trace, '-e', calls],
    })
    const s3 = s3Client(server, { plain: true })
    await s3.send(new CreateBucketCommand({ Bucket: 'synced' }))
    const PUTS = 5
    for (let i = 0; i < PUTS; i++) {
      await s3.send(new PutObjectCommand({ Bucket: 'synced', Key: `large${i}`, Body: randomBytes(100_000) }))
      await s3.send(new PutObjectCommand({ Bucket: 'synced', Key: `small${i}`, Body: 'x' }))
    }
    await server.stop()
    const steps = readTrace(await readFile(trace, 'utf8'))
    await rm(trace)
    await server.remove()
    // After the reply that made the bucket: what stands before each reply, in order.
    const replies = steps
      .join(' ')
      .split('reply')
      .slice(1, 1 + 2 * PUTS)
    expect(replies.length).toBe(2 * PUTS)
    for (const [i, before] of replies.entries()) {
      expect(before).toMatch(i % 2 === 0 ? /blob-synced .*renamed .*folder-synced .*catalog-synced/ : /catalog-synced/)
    }
  },
  120_000,
)

const STEPS: readonly (readonly [step: string, call: RegExp])[] = [
  ['blob-synced', /^fdatasync\(\d+<[^>]*staging.*= 0/],
  ['renamed', /^rename\(.*= 0/],
  ['folder-synced', /^fsync\(\d+<[^>]*kept.*= 0/],
  ['catalog-synced', /^fdatasync\(\d+<[^>]*catalog.*= 0/],
]

/** The steps of the PUTs in the order in which their calls ended; a reply counts from its beginning. */
function readTrace(text: string): string[] {
  const steps: string[] = []
  const unfinished = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (/^writev?\(.*"HTTP\/1.1 200/.test(rest)) steps.push('reply')
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(thread, rest.slice(0, -'<unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const call = resumed ? `${unfinished.get(thread) ?? ''}${resumed[1]}` : rest
    const step = STEPS.find(([, pattern]) => pattern.test(call))
    if (step) steps.push(step[0])
  }
  return steps
}

const put = (s3: S3Client, Key: string) => s3.send(new PutObjectCommand({ Bucket: 'workers', Key, Body: 'x' }))

async function expectReplaced(server: TestServer, s3: S3Client, victim: number): Promise<void> {
  await expect.poll(() => put(s3, 'k').then(Boolean, () => false), { timeout: 10_000 }).toBe(true)
  await expect
    .poll(async () => (await childrenOf(server.pid)).filter((pid) => pid !== victim).length, { timeout: 10_000 })
    .toBe(2)
}

/** Resolves once the tracer holds every thread of the process. */
async function traced(pid: number, tracer: ChildProcess): Promise<void> {
  const gone = once(tracer, 'exit').then(() => {
    throw new Error('strace ended before it traced')
  })
  const held = expect
    .poll(async () => /^TracerPid:\t[1-9]/m.test(await readFile(`/proc/${pid}/status`, 'utf8')), { timeout: 10_000 })
    .toBe(true)
  gone.catch(() => undefined)
  await Promise.race([gone, held])
}
