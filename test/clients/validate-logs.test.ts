/** AWS's own command that verifies what CloudTrail delivered, `aws cloudtrail validate-logs`, against what is delivered here. */
import { gzipSync } from 'node:zlib'
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { has } from '../support/clients.ts'
import { s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { contentOf, FAST_TRAILS, finishedTrail } from '../support/trails.ts'
import { type LogValidation, openLogValidation, S3_NAME } from '../support/validate-logs.ts'

const BUCKET = 'trail-logs'

describe.skipIf(!has('aws'))('aws cloudtrail validate-logs', () => {
  let server: TestServer
  let validation: LogValidation
  let s3: S3Client
  let trail: Awaited<ReturnType<typeof finishedTrail>>
  beforeAll(async () => {
    server = await startServer({ args: ['--domain', S3_NAME], config: { cloudtrail: FAST_TRAILS } })
    validation = await openLogValidation(server)
    s3 = s3Client(server)
    trail = await finishedTrail(server)
  })
  afterAll(async () => {
    await validation.close()
    await server.remove()
  })

  const expectEach = async (code: number, ...expected: readonly string[]) => {
    for (const run of await validation.validate(trail.arn)) {
      for (const text of expected) expect(run.output).toContain(text)
      expect(run.code).toBe(code)
    }
  }
  const url = (key: string) => `s3://${BUCKET}/${key}`

  test('says of all that was delivered that it is valid', async () => {
    const { logs, digests } = trail
    expect(digests.length).toBeGreaterThan(3)
    expect(logs.length).toBeGreaterThan(1)
    await expectEach(
      0,
      `${digests.length}/${digests.length} digest files valid`,
      `${logs.length}/${logs.length} log files valid`,
      ...digests.map((key) => `Digest file\t${url(key)}\tvalid`),
      ...logs.map((key) => `Log file\t${url(key)}\tvalid`),
    )
    // The older way went through the proxy to AWS's name.
    expect([...validation.asked].some((name) => name.endsWith(`${S3_NAME}:443`))).toBe(true)
  })

  test('names a log file that was altered, one that was removed, and a digest that was replaced', async () => {
    const [altered, removed] = trail.logs
    const text = (await contentOf(s3, BUCKET, altered!)).toString()
    const Body = gzipSync(text.replace('"eventName"', '"EventName"'))
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: altered!, Body }))
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: removed! }))
    await expectEach(
      1,
      `Log file\t${url(altered!)}\tINVALID: hash value doesn't match`,
      `Log file\t${url(removed!)}\tINVALID: not found`,
      `2/${trail.logs.length} log files INVALID`,
    )
    const [, replaced] = trail.digests
    const digest = JSON.parse((await contentOf(s3, BUCKET, replaced!)).toString())
    const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: replaced! }))
    const forged = gzipSync(JSON.stringify({ ...digest, logFiles: [] }))
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: replaced!, Body: forged, Metadata }))
    await expectEach(1, `Digest file\t${url(replaced!)}\tINVALID: signature verification failed`)
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: replaced! }))
    await expectEach(1, `Digest file\t${url(replaced!)}\tINVALID: not found`)
  })
})
