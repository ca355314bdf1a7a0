/** Memory of a program that encrypts stays flat as its objects grow: 1 GiB up and down again. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { s3Client } from '../support/sdk.ts'
import { root, startServer, type TestServer } from '../support/server.ts'

const MOST_RESIDENT_MIB = 220

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  await s3Client(server).send(new CreateBucketCommand({ Bucket: 'streams' }))
})
afterAll(() => server?.remove())

test.each([
  ['V3, spilled', {}],
  ['sealed', { format: 'sealed' }],
])('1 GiB in format %s', { timeout: 400_000 }, async (name, options) => {
  const task = { endpoint: server.http, ...server.root, bucket: 'streams', bytes: 2 ** 30, options }
  const program = [`${root}/test/support/streaming-client.mjs`, JSON.stringify(task)]
  const { stdout } = await promisify(execFile)(process.execPath, program)
  const { same, peakMiB } = JSON.parse(stdout)
  console.log(`1 GiB ${name}: peak resident memory ${Math.round(peakMiB)} MiB`)
  expect(same).toBe(true)
  expect(peakMiB).toBeLessThan(MOST_RESIDENT_MIB)
})
