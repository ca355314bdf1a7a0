/**
 * The Amazon S3 Encryption Clients of Debian's packages, against a test server: those of the AWS SDKs for Ruby and Go.
 * They write format V2 and what was before it, and know nothing of V3. A small program (encryption-clients/) drives each.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { clientEnvironment, has } from './clients.ts'
import { root, type TestServer } from './server.ts'

/** 16, 24 or 32 bytes; PKCS#8 PEM of an RSA key; the id or ARN of a KMS key. Go has KMS only. */
export type WrappingKey =
  | { readonly wrap: 'aes'; readonly key: Uint8Array }
  | { readonly wrap: 'rsa'; readonly key: string }
  | { readonly wrap: 'kms'; readonly key: string }

export interface EncryptedObject {
  readonly bucket: string
  readonly objectKey: string
  readonly wrappingKey: WrappingKey
  /** Which of the SDK's clients; V2 unless told. In Go, V1 writes format V2 with the legacy wrap `kms`. */
  readonly generation?: 'V1' | 'V2'
  /** Where the envelope goes, and where it is looked for first; `metadata` unless told. */
  readonly envelope?: 'metadata' | 'instruction_file'
  /** Of Go's V1; GCM unless told. Ruby's V1 writes CBC. */
  readonly content?: 'GCM' | 'CBC'
  /** Of KMS in V2. Go does not compare it when it reads. */
  readonly encryptionContext?: Readonly<Record<string, string>>
  /** Of AES and RSA. */
  readonly materialDescription?: Readonly<Record<string, string>>
  /** Lets V2 read what V1 wrote. */
  readonly legacy?: boolean
}

/** One process, which makes one call after the other. What its SDK throws rejects with that text. */
export interface EncryptionClient {
  put(object: EncryptedObject, body: Uint8Array): Promise<void>
  get(object: EncryptedObject): Promise<Buffer>
  close(): Promise<void>
}

const GO_PATH = '/usr/share/gocode'
const programs = join(root, 'test/support/encryption-clients')

/** Says aloud what is absent. */
export function hasRubyClient(): boolean {
  if (!has('ruby')) return false
  const gems = ['aws-sdk-s3', 'aws-sdk-kms']
  const options = { env: { ...process.env, PATH: `/usr/bin:${process.env.PATH}` } }
  const missing = gems.filter((gem) => spawnSync('ruby', ['-r', gem, '-e', ''], options).status !== 0)
  for (const gem of missing) console.log(`SKIPPED: the Ruby gem ${gem} is not installed`)
  return missing.length === 0
}

/** Says aloud what is absent. */
export function hasGoClient(): boolean {
  if (!has('go')) return false
  const present = existsSync(join(GO_PATH, 'src/github.com/aws/aws-sdk-go/service/s3/s3crypto'))
  if (!present) console.log('SKIPPED: golang-github-aws-aws-sdk-go-dev is not installed')
  return present
}

export async function rubyClient(server: TestServer): Promise<EncryptionClient> {
  const home = await mkdtemp(join(tmpdir(), 'ruby-client-'))
  return start(server, home, 'ruby', join(programs, 'rig.rb'))
}

/** Compiles the program, which takes a while, from what the system has: nothing is fetched. */
export async function goClient(server: TestServer): Promise<EncryptionClient> {
  const home = await mkdtemp(join(tmpdir(), 'go-client-'))
  const binary = join(home, 'rig')
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: GO_PATH, GOPROXY: 'off', GOFLAGS: '' }
  await promisify(execFile)('go', ['build', '-o', binary, join(programs, 'rig.go')], { env })
  return start(server, home, binary)
}

function start(server: TestServer, home: string, command: string, ...args: string[]): EncryptionClient {
  const child = spawn(command, [...args, server.https], {
    env: clientEnvironment(server, home),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const call = caller(child)
  const described = ({ wrappingKey: { wrap, key }, ...object }: EncryptedObject) => ({
    generation: 'V2',
    envelope: 'metadata',
    ...object,
    wrap,
    key: typeof key === 'string' ? key : Buffer.from(key).toString('base64'),
  })
  return {
    async put(object, body) {
      await call({ ...described(object), operation: 'put', body: Buffer.from(body).toString('base64') })
    },
    async get(object) {
      const { body } = await call({ ...described(object), operation: 'get' })
      return Buffer.from(body ?? '', 'base64')
    },
    async close() {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.stdin!.end()
      await ended
      await rm(home, { recursive: true, force: true })
    },
  }
}

interface Answer {
  readonly body?: string | null
  readonly error?: string
}

/** Calls of a child, a line each way, which wait for one another. */
function caller(child: ChildProcess): (call: object) => Promise<Answer> {
  let log = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`the client ended with exit code ${code}:\n${log}`)))
  })
  ended.catch(() => undefined)
  // A pipe that is broken is told by the end of who read it, with all that it said.
  child.stdin!.on('error', () => undefined)
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()
  const exchange = async (call: object) => {
    child.stdin!.write(`${JSON.stringify(call)}\n`)
    const line = await Promise.race([answers.next(), ended])
    if (line.done) return ended
    const answer = JSON.parse(line.value) as Answer
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
  return (call) => {
    const answer = last.then(() => exchange(call))
    last = answer.catch(() => undefined)
    return answer
  }
}
