/**
 * `node bench/many-keys.mjs [--keys 100000]`, after `npm run build`: what GenerateDataKey costs the server among so many
 * keys, beside its cost among ten of them, and what a page of ListKeys costs wherever it begins. In CPU of all processes.
 */
import { spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { root } from '../scripts/prepare.mjs'

const { values: flags } = parseArgs({ options: { keys: { type: 'string', default: '100000' } } })
const KEYS = Number(flags.keys)
const CLIENTS = 32
const FEW = 10
/** More than any cache of the server holds. */
const MANY = Math.min(30_000, KEYS)
const ROUNDS = 5
const SECONDS = 2
/** How much dearer a call may be among many keys than among few. */
const AT_MOST = 1.5

const dir = mkdtempSync(join(tmpdir(), 'strongroom-keys-'))
writeFileSync(join(dir, 'config.json'), JSON.stringify({ kms: { quotaProfile: 'unlimited' }, log: { level: 'error' } }))
const server = spawn(
  process.execPath,
  [
    ...[join(root, 'packages/server/bin/strongroom.mjs'), 'serve', '--json', '--workers', '2'],
    ...['--data', join(dir, 'data'), '--config', join(dir, 'config.json'), '--http', 'off', '--https', '127.0.0.1:0'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
try {
  const ready = JSON.parse((await once(createInterface({ input: server.stdout }), 'line'))[0])
  const kms = client(ready)
  await made(kms)
  const ids = await listed(kms)
  console.log(`${ids.length} keys`)
  const few = ids.slice(0, FEW)
  const many = Array.from({ length: MANY }, () => ids[Math.floor(Math.random() * ids.length)])
  const costs = { few: [], many: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, chosen] of Object.entries({ few, many })) {
      const cost = await costOf(ready.pid, (i) =>
        kms('GenerateDataKey', { KeyId: chosen[i % chosen.length], KeySpec: 'AES_256' }),
      )
      if (round > 0) costs[name].push(cost)
    }
  }
  const [fewCost, manyCost] = [median(costs.few), median(costs.many)]
  const ratio = Math.round((manyCost / fewCost) * 100) / 100
  console.log(`GenerateDataKey among ${FEW}: ${fewCost} µs of CPU; among ${ids.length}: ${manyCost} µs`)
  console.log(`  ratio ${ratio}  ${ratio <= AT_MOST ? 'ok' : 'MISS'} (wanted ${AT_MOST})`)
  const marker = (id) => `1${Buffer.from(id).toString('base64url')}`
  for (const [where, Marker] of [
    ['at the start', undefined],
    ['in the middle', marker(ids[Math.floor(ids.length / 2)])],
  ]) {
    const cost = await costOf(ready.pid, () => kms('ListKeys', { Limit: 1000, Marker }))
    console.log(`ListKeys, a page of 1,000 ${where}: ${Math.round(cost / 100) / 10} ms of CPU`)
  }
} finally {
  server.kill('SIGTERM')
  await once(server, 'exit')
  rmSync(dir, { recursive: true, force: true })
}

async function made(kms) {
  let left = KEYS
  await inParallel(async () => {
    while (left-- > 0) await kms('CreateKey', {})
  })
}

async function listed(kms) {
  const ids = []
  let Marker
  do {
    const page = await kms('ListKeys', { Limit: 1000, Marker })
    ids.push(...page.Keys.map(({ KeyId }) => KeyId))
    Marker = page.NextMarker
  } while (Marker)
  return ids
}

/** Server CPU for one call, in microseconds. */
async function costOf(pid, call) {
  const before = cpuOf(pid)
  const endsAt = performance.now() + SECONDS * 1000
  let calls = 0
  await inParallel(async () => {
    while (performance.now() < endsAt) await call(calls++)
  })
  return Math.round((cpuOf(pid) - before) / calls)
}

function inParallel(run) {
  return Promise.all(Array.from({ length: CLIENTS }, run))
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Of the primary and its workers, in microseconds: ticks of 10 ms. */
function cpuOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  const ticks = [pid, ...children].map((one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, one) => sum + one, 0) * 10_000
}

function client(ready) {
  const file = readFileSync(ready.credentials, 'utf8')
  const accessKeyId = /aws_access_key_id *= *(\S+)/.exec(file)[1]
  const secret = /aws_secret_access_key *= *(\S+)/.exec(file)[1]
  const { hostname, port, host } = new URL(ready.https)
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS, ca: readFileSync(ready.ca) })
  const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
  const sha256 = (text) => createHash('sha256').update(text).digest('hex')
  return (operation, input) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(input)
      const date = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
      const scope = `${date.slice(0, 8)}/us-east-1/kms/aws4_request`
      const headers = { host, 'x-amz-date': date, 'x-amz-target': `TrentService.${operation}` }
      const names = Object.keys(headers)
      const canonical = [
        'POST',
        '/',
        '',
        ...names.map((name) => `${name}:${headers[name]}`),
        '',
        names.join(';'),
        sha256(body),
      ]
      const key = scope.split('/').reduce(hmac, `AWS4${secret}`)
      const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical.join('\n'))}`).toString(
        'hex',
      )
      const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
      const sent = request(
        {
          hostname,
          port,
          agent,
          method: 'POST',
          path: '/',
          headers: { ...headers, authorization, 'content-length': body.length },
        },
        (reply) => {
          let text = ''
          reply.setEncoding('utf8').on('data', (piece) => {
            text += piece
          })
          reply.on('end', () => (reply.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))))
        },
      )
      sent.on('error', reject).end(body)
    })
}
