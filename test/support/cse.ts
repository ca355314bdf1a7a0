/** `strongroom cse` as a user runs it: the built program against a test server, with keys in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import {
  CreateBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { kmsClient, s3Client } from './sdk.ts'
import { program, startServer, type TestServer } from './server.ts'

export interface Ended {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: Uint8Array
  readonly env?: NodeJS.ProcessEnv
  /** A program and its arguments that run it. */
  readonly under?: readonly string[]
}

/** Flags under which format V2 is written. */
export const V2 = ['--commitment-policy', 'FORBID_ENCRYPT_ALLOW_DECRYPT']

export class CseDesk {
  readonly dir = mkdtempSync(join(tmpdir(), 'strongroom-cse-'))
  readonly aes = join(this.dir, 'aes.key')
  readonly otherAes = join(this.dir, 'other.key')
  readonly rsa = join(this.dir, 'rsa.pem')
  /** A fresh one for each test. */
  bucket = ''
  kmsKeyId = ''
  server!: TestServer
  s3!: S3Client
  #buckets = 0

  async open(): Promise<void> {
    this.server = await startServer()
    this.s3 = s3Client(this.server)
    this.kmsKeyId = (await kmsClient(this.server).send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!
    for (const [type, out] of [
      ['aes', this.aes],
      ['aes', this.otherAes],
      ['rsa', this.rsa],
    ] as const)
      await this.ok(this.cse(['keygen', '--type', type, '--out', out]))
  }

  async newBucket(): Promise<void> {
    this.bucket = `cse-${this.#buckets++}`
    await this.s3.send(new CreateBucketCommand({ Bucket: this.bucket }))
  }

  async close(): Promise<void> {
    await this.server?.remove()
    await rm(this.dir, { recursive: true, force: true })
  }

  environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    AWS_ENDPOINT_URL: this.server.https,
    AWS_CA_BUNDLE: this.server.ca,
  })

  start = (args: readonly string[], { env = {}, under = [] }: RunOptions = {}): ChildProcess => {
    const store = args[0] === 'keygen' ? [] : ['--data', this.server.dataDir]
    const [command, ...rest] = [...under, process.execPath, program, 'cse', ...args, ...store]
    return spawn(command!, rest, { env: { ...this.environment(), ...env } })
  }

  cse = (args: readonly string[], options: RunOptions = {}): Promise<Ended> => {
    const child = this.start(args, options)
    const ended = endOf(child)
    child.stdin!.on('error', () => {})
    child.stdin!.end(options.input)
    return ended
  }

  /** What has ended well. */
  ok = async (ended: Promise<Ended>): Promise<Ended> => {
    const result = await ended
    expect(result, result.stderr).toMatchObject({ code: 0 })
    return result
  }

  url = (key: string): string => `s3://${this.bucket}/${key}`

  /** The plaintext of an object, with these keys. */
  get = async (key: string, ...args: string[]): Promise<Buffer> =>
    (await this.ok(this.cse(['get', this.url(key), '-', ...args]))).stdout

  /** In clear. */
  put = (Key: string, Body: string | Uint8Array, more: Partial<PutObjectCommandInput> = {}) =>
    this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key, Body, ...more }))

  head = (Key: string) => this.s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key }))

  file = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(this.dir, name)
    await writeFile(path, content)
    return path
  }
}

export async function endOf(child: ChildProcess): Promise<Ended> {
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout!.on('data', (piece: Buffer) => stdout.push(piece))
  child.stderr!.on('data', (piece: Buffer) => {
    stderr += piece.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(stdout), stderr }
}

/** What was printed with --json, whatever the exit code. */
export const jsonOf = async (ended: Promise<Ended>) =>
  JSON.parse((await ended).stdout.toString()) as Record<string, unknown>

export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
