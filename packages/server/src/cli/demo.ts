/**
 * `strongroom demo`: a guided tour on a throw-away data folder. Each step is done for real against a started server
 * and checked; the tour ends with exit code 0 only if every step held.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensureCredentials } from '../identity/credentials-file.ts'
import { httpsOnly, withStatements } from '../policy/ready-made.ts'
import { auditScene } from './demo-audit.ts'
import { clientSideScene } from './demo-client-side.ts'
import { DEMO_QUOTA, quotaScene } from './demo-quotas.ts'
import { EXIT } from './exit.ts'
import { explanationText } from './explain.ts'
import { type RequestToSign, type SignedReply, sendSigned } from './signed-client.ts'

const BUCKET = 'demo-bucket'
const MARK = 'The vault holds 1,204 ounces of gold. '
/** How long a line of the log may take until it is here. */
const LOG_DELAY_MS = 300
const LARGE_BYTES = 48 * 1024 * 1024

export async function demo(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'strongroom-demo-'))
  const config = join(dir, 'config.json')
  await writeFile(config, JSON.stringify({ kms: { quotaProfile: { symmetric: DEMO_QUOTA } } }))
  const child = spawn(
    process.execPath,
    [
      ...[join(import.meta.dirname, '../../bin/strongroom.mjs'), 'serve', '--json', '--data', dir, '--config', config],
      ...['--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--workers', '2'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  try {
    return await tour(dir, child)
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
    await rm(dir, { recursive: true, force: true })
  }
}

async function tour(dir: string, child: ChildProcess): Promise<number> {
  let log = ''
  child.stderr!.on('data', (text: Buffer) => {
    log += text.toString()
  })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', resolve)
    child.once('exit', (code) => reject(new Error(`the server ended with exit code ${code}: ${log}`)))
  })
  const ready = JSON.parse(line) as { http: string; https: string; ca: string }
  const ca = await readFile(ready.ca, 'utf8')
  const credentials = await ensureCredentials(join(dir, 'secrets'))
  const connection = (endpoint: string) => ({ endpoint, ca, credentials, region: 'us-east-1' })
  const https = (request: RequestToSign) => sendSigned(connection(ready.https), request)
  const http = (request: RequestToSign) => sendSigned(connection(ready.http), request)
  let failures = 0
  const say = (text: string) => process.stdout.write(`${text}\n`)
  const step = (held: boolean, text: string) => {
    if (!held) failures++
    say(`  ${held ? 'ok  ' : 'FAIL'}  ${text}`)
  }
  const kms = async (operation: string, input: object) => {
    const reply = await https({
      method: 'POST',
      path: '/',
      service: 'kms',
      headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
      body: Buffer.from(JSON.stringify(input)),
    })
    return { status: reply.status, ...(JSON.parse(reply.body.toString()) as Record<string, unknown>) }
  }

  say(`\nStrongroom demo, on a throw-away folder: ${dir}\n`)
  step((await https({ method: 'PUT', path: `/${BUCKET}` })).status === 200, `made the bucket ${BUCKET}`)
  const created = await kms('CreateKey', { Description: 'demo' })
  const keyArn = (created as { KeyMetadata?: { Arn: string } }).KeyMetadata?.Arn ?? ''
  step(keyArn !== '', `made a KMS key of our own: ${keyArn}`)

  const customerKey = randomBytes(32)
  const sseC = {
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-server-side-encryption-customer-key': customerKey.toString('base64'),
    'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(customerKey).digest('base64'),
  }
  const method = 'x-amz-server-side-encryption'
  const withKey = { [`${method}-aws-kms-key-id`]: keyArn }
  const methods: readonly (readonly [name: string, write: Record<string, string>, read: Record<string, string>])[] = [
    ['sse-s3', {}, {}],
    ['sse-kms', { [method]: 'aws:kms', ...withKey }, {}],
    ['dsse-kms', { [method]: 'aws:kms:dsse', ...withKey }, {}],
    ['sse-c', sseC, sseC],
  ]
  const letter = Buffer.from(MARK.repeat(2000))
  say('\nThe same letter by each method, read back over HTTPS:')
  for (const [name, write, read] of methods) {
    const put = await https({ method: 'PUT', path: `/${BUCKET}/${name}.txt`, headers: write, body: letter })
    const got = await https({ method: 'GET', path: `/${BUCKET}/${name}.txt`, headers: read })
    const shown = put.headers[method] ?? `SSE-C, key MD5 ${put.headers[`${method}-customer-key-md5`]}`
    step(put.status === 200 && got.body.equals(letter), `${name.padEnd(8)} ${shown}`)
  }

  say('\nA large file, with a progress bar:')
  const large = randomBytes(LARGE_BYTES)
  const put = await https({
    method: 'PUT',
    path: `/${BUCKET}/large.bin`,
    headers: { [method]: 'aws:kms', ...withKey },
    body: large,
    onProgress: progressBar,
  })
  const ranged = await https({
    method: 'GET',
    path: `/${BUCKET}/large.bin`,
    headers: { range: 'bytes=20000000-20000099' },
  })
  step(put.status === 200, `stored ${LARGE_BYTES / 1024 / 1024} MiB`)
  step(
    ranged.status === 206 && ranged.body.equals(large.subarray(20_000_000, 20_000_100)),
    'a range of 100 bytes out of its middle',
  )

  say('\nWhat stands on disk:')
  const files = await filesOf(dir)
  const found = files.filter(({ bytes }) => bytes.includes(MARK))
  const blob = files.find(({ path }) => path.includes('kept'))
  step(blob !== undefined, `ciphertext, for example ${blob?.bytes.subarray(0, 40).toString('hex')}…`)
  step(found.length === 0, `searched ${files.length} files for the letter's words: in none`)
  step(!files.some(({ bytes }) => bytes.includes(customerKey)), "searched them for the customer's key: in none")

  say('\nRefused, as AWS refuses it:')
  const refusals: readonly (readonly [text: string, reply: SignedReply, status: number])[] = [
    ['an SSE-KMS object over plain HTTP', await http({ method: 'GET', path: `/${BUCKET}/sse-kms.txt` }), 400],
    [
      'an SSE-C header over plain HTTP',
      await http({ method: 'GET', path: `/${BUCKET}/sse-c.txt`, headers: sseC }),
      400,
    ],
    ["an SSE-C object without the customer's key", await https({ method: 'GET', path: `/${BUCKET}/sse-c.txt` }), 400],
    [
      'a method that does not exist',
      await https({ method: 'PUT', path: `/${BUCKET}/x`, headers: { [method]: 'AES-256' } }),
      400,
    ],
  ]
  for (const [text, reply, status] of refusals) {
    step(reply.status === status, `${text}: ${reply.status} ${/<Code>(.*?)<\/Code>/.exec(reply.body.toString())?.[1]}`)
  }
  step(
    (await http({ method: 'GET', path: `/${BUCKET}/sse-s3.txt` })).body.equals(letter),
    'SSE-S3 over plain HTTP works',
  )

  say('\nHTTPS only, by one statement in the policy of the bucket:')
  const policy = withStatements(undefined, httpsOnly(BUCKET))
  const putPolicy = await https({
    method: 'PUT',
    path: `/${BUCKET}`,
    query: 'policy=',
    body: Buffer.from(JSON.stringify(policy)),
  })
  step(putPolicy.status === 204, `set: ${JSON.stringify(httpsOnly(BUCKET)[0]!.Condition)}`)
  const refused = await http({ method: 'GET', path: `/${BUCKET}/sse-s3.txt` })
  step(refused.status === 403, `over HTTP: ${refused.status}, also for the owner`)
  const served = await https({ method: 'GET', path: `/${BUCKET}/sse-s3.txt` })
  step(served.body.equals(letter), `over HTTPS: ${served.status}`)
  const requestId = String(refused.headers['x-amz-request-id'])
  const explained = await https({
    method: 'POST',
    path: '/-/api/explain',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ requestId })),
  })
  const why = explained.body.toString()
  step(why.includes('ExplicitDeny') && why.includes('RestrictToTLSRequestsOnly'), `strongroom explain ${requestId}:`)
  if (explained.status === 200) say(explanationText(JSON.parse(why)))

  say('\nThe key is under your control:')
  await kms('DisableKey', { KeyId: keyArn })
  const locked = await https({ method: 'GET', path: `/${BUCKET}/sse-kms.txt` })
  step(locked.body.includes('KMS.DisabledException'), 'disabled: the object cannot be read')
  await kms('EnableKey', { KeyId: keyArn })
  step((await https({ method: 'GET', path: `/${BUCKET}/sse-kms.txt` })).body.equals(letter), 'enabled: it can again')

  const kmsCalls = async () => {
    await new Promise((resolve) => setTimeout(resolve, LOG_DELAY_MS))
    const isCall = (text: string) => text.includes('"service":"kms"') && text.includes('"viaRequestId"')
    return log.split('\n').filter((text) => isCall(text) && text.includes(keyArn)).length
  }
  await quotaScene({ bucket: BUCKET, keyArn, https, say, step, kmsCalls })

  await auditScene({ keyArn, https, say, step })

  await clientSideScene({ bucket: BUCKET, https, say, step, dir, endpoint: ready.https, caFile: ready.ca })

  say(failures === 0 ? '\nEvery step held.\n' : `\n${failures} steps did not hold.\n`)
  return failures === 0 ? EXIT.done : EXIT.failed
}

function progressBar(sent: number): void {
  const width = 40
  const full = Math.round(Math.min(sent, 1) * width)
  const bar = `  [${'#'.repeat(full)}${'.'.repeat(width - full)}] ${Math.round(Math.min(sent, 1) * 100)} %`
  if (process.stdout.isTTY) process.stdout.write(`\r${bar}${sent >= 1 ? '\n' : ''}`)
  else if (sent >= 1) process.stdout.write(`${bar}\n`)
}

async function filesOf(dir: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(files.map(async (path) => ({ path, bytes: await readFile(path) })))
}
