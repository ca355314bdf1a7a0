/** The demo's scene of client-side encryption: the commands that a user would give, and what the server has of it all. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadClient, MissingPackageError } from './cse-sdk.ts'
import type { DemoTools } from './demo-quotas.ts'

export interface ClientSideTools extends Pick<DemoTools, 'bucket' | 'https' | 'say' | 'step'> {
  /** The server's data folder, which gets a folder of a client's own. */
  readonly dir: string
  readonly endpoint: string
  /** PEM file of the authority that the client is to trust. */
  readonly caFile: string
}

const LETTER = 'Meet me at the vault at nine. '.repeat(1000)
const ENVELOPE = /^x-amz-meta-(x-amz-|strongroom-)/

export async function clientSideScene(tools: ClientSideTools): Promise<void> {
  const { bucket, https, say, step, dir } = tools
  say('\nEncrypted on the client, so that the server has neither key nor plaintext:')
  try {
    await loadClient()
  } catch (error) {
    if (!(error instanceof MissingPackageError)) throw error
    say(`  left out: ${error.message}`)
    return
  }
  const home = join(dir, 'client')
  await mkdir(home)
  const path = (name: string) => join(home, name)
  await writeFile(path('letter.txt'), LETTER)
  const object = `s3://${bucket}/letter.sealed`
  const cse = (...args: string[]) => runCse(tools, home, args)

  const made = await cse('keygen', '--out', 'my.key')
  step(made.code === 0, made.stdout.split('\n')[0]!)
  const put = await cse('put', 'letter.txt', object, '--key', 'my.key', '--context', 'letter=1', '--format', 'sealed')
  const stored = await https({ method: 'GET', path: `/${bucket}/letter.sealed` })
  step(
    put.code === 0 && stored.status === 200 && !stored.body.includes('vault'),
    `what the server stores: ${stored.body.subarray(0, 32).toString('hex')}…`,
  )
  const envelope = Object.entries(stored.headers).filter(([name]) => ENVELOPE.test(name)) as [string, string][]
  step(envelope.length > 0, 'with the wrapped key beside it:')
  for (const [name, value] of envelope) say(`          ${name}: ${value}`)
  const got = await cse('get', object, 'back.txt', '--key', 'my.key', '--context', 'letter=1')
  step(got.code === 0 && (await readFile(path('back.txt'), 'utf8')) === LETTER, 'read back, and the same')

  const changed = Buffer.from(stored.body)
  changed[changed.length >> 1]! ^= 1
  await https({ method: 'PUT', path: `/${bucket}/tampered`, headers: Object.fromEntries(envelope), body: changed })
  const refused = await cse(
    ...['get', `s3://${bucket}/tampered`, 'tampered.txt', '--key', 'my.key', '--context', 'letter=1'],
  )
  const files = await readdir(home)
  step(
    refused.code === 1 && refused.stderr.includes('BodyNotAuthentic') && !files.some((name) => /^tampered/.test(name)),
    `one bit changed in the store: ${refused.stderr.split('\n').at(0)}`,
  )

  await cse('keygen', '--out', 'new.key')
  const rewrapped = await cse('rewrap', object, '--key', 'my.key', '--to-key', 'new.key', '--context', 'letter=1')
  const after = await https({ method: 'GET', path: `/${bucket}/letter.sealed` })
  step(
    rewrapped.code === 0 && after.body.equals(stored.body),
    'another key by rewrap: not a byte of the body has changed',
  )
  const byNew = await cse('get', object, 'new.txt', '--key', 'new.key', '--context', 'letter=1')
  step(byNew.code === 0 && (await readFile(path('new.txt'), 'utf8')) === LETTER, 'the new key reads it')
  const byOld = await cse('get', object, 'old.txt', '--key', 'my.key', '--context', 'letter=1')
  step(byOld.code === 1 && byOld.stderr.includes('DataKeyNotOpened'), 'and the old one no more')
}

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Says a command and runs it, in a folder of the client's and as a process of its own. */
async function runCse(tools: ClientSideTools, cwd: string, args: readonly string[]): Promise<Ran> {
  tools.say(`        $ strongroom cse ${args.join(' ')}`)
  const program = join(import.meta.dirname, '../../bin/strongroom.mjs')
  const store = args[0] === 'keygen' ? [] : ['--data', tools.dir]
  const child = spawn(process.execPath, [program, 'cse', ...args, ...store], {
    cwd,
    env: { ...withoutAws(process.env), AWS_ENDPOINT_URL: tools.endpoint, AWS_CA_BUNDLE: tools.caFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  return { code, ...texts }
}

/** So that it is the demo's own server and credentials that are used. */
const withoutAws = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_')))
