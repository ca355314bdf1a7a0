/**
 * `node bench/client.mjs [--rounds 5] [--mib 256]`, after `npm run build`: what encrypting on the client costs. The
 * SDK's own uploader and the encrypting client send the same stream in turn, in parts of the same size; then both read
 * their object. Ratios are of bytes a second, encrypted against plain.
 */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { prepare } from '../scripts/prepare.mjs'
import { startSubjects } from './subjects.mjs'

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, mib: { type: 'string', default: '256' } },
})
const ROUNDS = Number(flags.rounds)
const BYTES = Number(flags.mib) * 2 ** 20
/** Of the plain SDK's upload. */
const LEAST_UPLOAD_RATIO = 0.7
const PART_BYTES = 8 * 2 ** 20

prepare()
const { createEncryptingClient, rawAesKeyring } = await import('@strongroom/client')
const subjects = await startSubjects({ workers: 2 })
const { target, credentials } = subjects.plan({ subject: 'AES256', transport: 'http', operation: 'PUT', bytes: 4096 })
const s3 = new S3Client({
  endpoint: `http://${target.host}:${target.port}`,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials,
})
const keyring = rawAesKeyring({ wrappingKey: randomBytes(32) })
const piece = randomBytes(2 ** 16)
const source = () =>
  Readable.from(
    (function* () {
      for (let at = 0; at < BYTES; at += piece.length) yield piece
    })(),
    { objectMode: false },
  )

const Bucket = 'bench'
const encrypting = (options) => {
  const client = createEncryptingClient(s3, { keyring, partBytes: PART_BYTES, ...options })
  const Key = `client/${JSON.stringify(options)}`
  return {
    put: () => client.putObject({ Bucket, Key, Body: source() }),
    get: async () => (await client.getObject({ Bucket, Key })).Body,
  }
}
const SUBJECTS = {
  plain: {
    put: () =>
      new Upload({ client: s3, params: { Bucket, Key: 'client/plain', Body: source() }, partSize: PART_BYTES }).done(),
    get: async () => (await s3.send(new GetObjectCommand({ Bucket, Key: 'client/plain' }))).Body,
  },
  'V3, spilled': encrypting({}),
  'V3, read twice': encrypting({ largeBodies: 'read-twice' }),
  sealed: encrypting({ format: 'sealed' }),
}

const seconds = Object.fromEntries(Object.keys(SUBJECTS).map((name) => [name, { put: [], get: [] }]))
async function time(name, deed, run) {
  const from = performance.now()
  await run()
  seconds[name][deed].push((performance.now() - from) / 1000)
}
try {
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, { put, get }] of Object.entries(SUBJECTS)) {
      await time(name, 'put', put)
      await time(name, 'get', async () => {
        for await (const chunk of await get()) void chunk
      })
    }
    if (round === 0) for (const of of Object.values(seconds)) of.put.length = of.get.length = 0
  }
} finally {
  await subjects.stop()
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const rate = (name, deed) => BYTES / 2 ** 20 / median(seconds[name][deed])
for (const name of Object.keys(SUBJECTS)) {
  const [up, down] = ['put', 'get'].map((deed) => rate(name, deed))
  const [upRatio, downRatio] = ['put', 'get'].map((deed) => rate(name, deed) / rate('plain', deed))
  const mark = name === 'plain' ? '' : upRatio >= LEAST_UPLOAD_RATIO ? 'ok' : 'MISS'
  console.log(
    `${name.padEnd(16)} up ${up.toFixed(0).padStart(5)} MiB/s (${upRatio.toFixed(2)}) ${mark.padEnd(5)}` +
      `down ${down.toFixed(0).padStart(5)} MiB/s (${downRatio.toFixed(2)})`,
  )
}
