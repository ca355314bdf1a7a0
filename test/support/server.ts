/** Starts the built program on free ports and a throw-away data folder, as a user would, and stops it again. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const program = join(root, 'packages/server/bin/strongroom.mjs')

export interface Ready {
  /** `sealed` where the root key cannot be had. */
  readonly event: 'ready' | 'sealed'
  readonly http: string
  readonly https: string
  readonly ca: string
  readonly credentials: string
  readonly pid: number
}

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface TestServer extends Ready {
  readonly dataDir: string
  readonly caPem: string
  readonly root: Credentials
  readonly child: ChildProcess
  /** All that the program wrote on standard error: its log. */
  log(): string
  /** SIGTERM, then waits for the end; resolves to the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL to the primary and every worker. */
  kill(): Promise<void>
  /** Stops, and removes the data folder. */
  remove(): Promise<void>
}

export interface ServerOptions {
  readonly dataDir?: string
  /** Written to a file and given with --config. Tests make calls in bursts, so there are no request quotas unless it sets them. */
  readonly config?: object
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly workers?: number
  /** A program and its arguments that run the server, such as a tracer. */
  readonly under?: readonly string[]
}

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'strongroom-test-')))
  const args = ['serve', '--json', '--data', dataDir, '--http', '127.0.0.1:0', '--https', '127.0.0.1:0']
  args.push('--workers', String(options.workers ?? 2), ...(options.args ?? []))
  const path = `${dataDir}.config.json`
  await writeFile(path, JSON.stringify(withoutQuotas(options.config ?? {})))
  args.push('--config', path)
  const [command, ...rest] = [...(options.under ?? []), process.execPath, program, ...args]
  const child = spawn(command!, rest, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const ready = await firstLine(child, ended, () => log)
  const [caPem, credentials] = await Promise.all([
    readFile(ready.ca, 'utf8'),
    readFile(ready.credentials, 'utf8').catch(() => ''),
  ])
  const workers = () => childrenOf(ready.pid)
  return {
    ...ready,
    dataDir,
    caPem,
    child,
    root: {
      accessKeyId:
        /aws_access_key_id *= *(\S+)/.exec(credentials)?.[1] ?? options.env?.STRONGROOM_ROOT_ACCESS_KEY_ID ?? '',
      secretAccessKey:
        /aws_secret_access_key *= *(\S+)/.exec(credentials)?.[1] ??
        options.env?.STRONGROOM_ROOT_SECRET_ACCESS_KEY ??
        '',
    },
    log: () => log,
    async stop() {
      process.kill(ready.pid, 'SIGTERM')
      return ended
    },
    async kill() {
      const pids = [ready.pid, ...(await workers())]
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      await ended
    },
    async remove() {
      if (child.exitCode === null && child.signalCode === null) process.kill(ready.pid, 'SIGTERM')
      await ended
      await rm(dataDir, { recursive: true, force: true })
      await rm(`${dataDir}.config.json`, { force: true })
    },
  }
}

function withoutQuotas(config: object): object {
  const { kms = {} } = config as { kms?: object }
  return { ...config, kms: { quotaProfile: 'unlimited', ...kms } }
}

/** `strongroom fsck` of a data folder: its exit code and what it prints. */
export const fsck = (dataDir: string, env: NodeJS.ProcessEnv = {}) =>
  promisify(execFile)(process.execPath, [program, 'fsck', '--data', dataDir], { env: { ...process.env, ...env } }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  )

/** Process ids of a process's children, from /proc. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

async function firstLine(child: ChildProcess, ended: Promise<number | null>, log: () => string): Promise<Ready> {
  const lines = createInterface({ input: child.stdout! })
  const line = await Promise.race([
    new Promise<string>((resolve) => lines.once('line', resolve)),
    ended.then((code) => {
      throw new Error(`the server ended with exit code ${code} before it was ready:\n${log()}`)
    }),
  ])
  return JSON.parse(line) as Ready
}
