/** Starts what is measured: the server, with the objects that GETs read, and the yardsticks beside it. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../scripts/prepare.mjs'
import { Connection } from './connection.mjs'
import { METHODS, SIZES } from './matrix.mjs'
import { signedHeads } from './signing.mjs'

const customerKey = randomBytes(32)
const customerHeaders = {
  'x-amz-server-side-encryption-customer-algorithm': 'AES256',
  'x-amz-server-side-encryption-customer-key': customerKey.toString('base64'),
  'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(customerKey).digest('base64'),
}
const HEADERS = {
  AES256: { PUT: {}, GET: {} },
  'aws:kms': { PUT: { 'x-amz-server-side-encryption': 'aws:kms' }, GET: {} },
  'SSE-C': { PUT: customerHeaders, GET: customerHeaders },
}

/** `config`: the server's configuration. */
export async function startSubjects({ workers, profileDir, config = {} }) {
  const dir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ kms: { quotaProfile: 'unlimited' }, ...config }))
  const server = start([
    ...(profileDir ? ['--cpu-prof', '--cpu-prof-dir', profileDir] : []),
    join(root, 'packages/server/bin/strongroom.mjs'),
    ...['serve', '--json', '--data', join(dir, 'data'), '--workers', String(workers)],
    ...['--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--config', join(dir, 'config.json')],
  ])
  const ready = await server.ready
  const ca = readFileSync(ready.ca, 'utf8')
  const file = readFileSync(ready.credentials, 'utf8')
  const credentials = {
    accessKeyId: /aws_access_key_id *= *(\S+)/.exec(file)[1],
    secretAccessKey: /aws_secret_access_key *= *(\S+)/.exec(file)[1],
  }
  const tls = join(dir, 'data', 'tls')
  const yardsticks = start([
    ...[join(root, 'bench/yardstick-server.mjs'), dir, String(workers)],
    ...[join(tls, 'server.pem'), join(dir, 'data', 'secrets', 'server.key')],
  ])
  const yardstickPorts = await yardsticks.ready
  const ports = { http: Number(new URL(ready.http).port), https: Number(new URL(ready.https).port) }

  const addressOf = (transport, from) => ({
    host: '127.0.0.1',
    port: from[transport],
    ca: transport === 'https' ? ca : undefined,
  })
  await fill(addressOf('https', ports), credentials)

  return {
    /** Where a cell's requests go and what they carry. */
    plan({ isYardstick, subject, transport, operation, bytes }) {
      if (isYardstick) {
        const path = `/${subject.replace(' ', '-')}/${bytes}`
        return { target: { ...addressOf(transport, yardstickPorts), path }, headers: {}, credentials: undefined }
      }
      const path = operation === 'GET' ? `/bench/get/${subject}/${bytes}` : `/bench/put/${subject}/${bytes}/CLIENT/ITEM`
      const target = { ...addressOf(transport, ports), path: path.replace(':', '-') }
      return { target, headers: HEADERS[subject][operation], credentials }
    },
    /** CPU time that the server's processes have used up to now, in microseconds. */
    cpuMicros() {
      return processesOf(ready.pid).reduce((sum, pid) => {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [userTicks, systemTicks] = stat
          .slice(stat.lastIndexOf(')') + 2)
          .split(' ')
          .slice(11, 13)
        return sum + ((Number(userTicks) + Number(systemTicks)) * 1e6) / TICKS_PER_SECOND
      }, 0)
    },
    /** The most memory that each of the server's processes ever held; undefined where the system does not tell. */
    async peakMemoryMiB() {
      try {
        return processesOf(ready.pid).map((pid) => {
          const status = readFileSync(`/proc/${pid}/status`, 'utf8')
          return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024)
        })
      } catch {
        return undefined
      }
    },
    async stop() {
      await Promise.all([server.stop(), yardsticks.stop()])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** The primary and its workers. */
const processesOf = (pid) => [
  pid,
  ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean),
]
const TICKS_PER_SECOND = 100

/** The bucket, and an object of each size by each method. */
async function fill(target, credentials) {
  const connection = await Connection.open(target)
  const put = async (path, headers, body) => {
    const request = { ...target, method: 'PUT', paths: [path], headers, credentials, length: body.length }
    const [head] = await signedHeads(request)
    await connection.send(head, body)
  }
  await put('/bench', {}, Buffer.alloc(0))
  for (const { name } of METHODS) {
    for (const { bytes } of SIZES) {
      await put(`/bench/get/${name}/${bytes}`.replace(':', '-'), HEADERS[name].PUT, randomBytes(bytes))
    }
  }
  connection.close()
}

function start(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-4000)
  })
  const ended = once(child, 'exit')
  const ready = Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([line]) => JSON.parse(line)),
    ended.then(() => {
      throw new Error(`it ended before it was ready:\n${complaint}`)
    }),
  ])
  return {
    ready,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
