/** kill -9 under load: every call of the KMS that was acknowledged is on record, the chain holds, and so do the digests. */
import { CreateTrailCommand, StartLoggingCommand, StopLoggingCommand } from '@aws-sdk/client-cloudtrail'
import { CreateKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { expect, test } from 'vitest'
import { audit, keyUses } from '../support/audit.ts'
import { has } from '../support/clients.ts'
import { kmsClient, s3Client, trailClient } from '../support/sdk.ts'
import { fsck, startServer } from '../support/server.ts'
import { deliveredRecords, FAST_TRAILS, makeTrailBucket, untilDigested } from '../support/trails.ts'
import { openLogValidation, S3_NAME } from '../support/validate-logs.ts'

const REQUESTS = 20_000
const CALLERS = 32

test('of 20,000 calls with a kill in their midst every acknowledged one is on record', async () => {
  const options = { args: ['--domain', S3_NAME], config: { cloudtrail: FAST_TRAILS } }
  let server = await startServer(options)
  const { dataDir } = server
  const { KeyId } = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!
  const trails = trailClient(server)
  await makeTrailBucket(s3Client(server), 'trail-logs')
  const trail = { Name: 'over-a-crash', S3BucketName: 'trail-logs', EnableLogFileValidation: true }
  const { TrailARN } = await trails.send(new CreateTrailCommand(trail))
  await trails.send(new StartLoggingCommand(trail))
  const acknowledged = new Set<string>()
  let begun = 0
  const call = async (until: number) => {
    const kms = kmsClient(server)
    const caller = async () => {
      while (begun < until) {
        const n = String(begun++)
        const done = await kms
          .send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x'), EncryptionContext: { n } }))
          .catch(() => undefined)
        if (done) acknowledged.add(n)
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, caller))
  }
  const dying = call(REQUESTS)
  await expect.poll(() => acknowledged.size, { timeout: 120_000, interval: 5 }).toBeGreaterThan(REQUESTS / 2)
  await server.kill()
  // Nobody answers the rest of them.
  await dying
  server = await startServer({ ...options, dataDir })
  begun = Math.min(begun, acknowledged.size)
  await call(REQUESTS)
  expect(acknowledged.size).toBeGreaterThan(REQUESTS / 2)

  // Found by the index, which was cut off as well, within a second of the last reply.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const uses = await keyUses(server, KeyId!, ['--limit', String(2 * REQUESTS)])
  const recorded = new Set(uses.map(({ encryptionContext }) => encryptionContext?.n))
  expect([...acknowledged].filter((n) => !recorded.has(n))).toEqual([])
  expect(uses.every(({ caller }) => caller === 'arn:aws:iam::000000000000:root')).toBe(true)
  expect(await audit(server, ['verify', '--data', dataDir])).toMatchObject({ code: 0 })

  // The last digest comes with the end of logging.
  await trailClient(server).send(new StopLoggingCommand(trail))
  const s3 = s3Client(server)
  await untilDigested(s3, 'trail-logs')
  const delivered = [...(await deliveredRecords(s3, 'trail-logs')).values()].flat()
  const inFiles = delivered.map(
    ({ requestParameters }) => requestParameters?.encryptionContext as { n?: string } | undefined,
  )
  const namesInFiles = new Set(inFiles.map((context) => context?.n))
  expect([...acknowledged].filter((n) => !namesInFiles.has(n))).toEqual([])
  expect(await audit(server, ['verify', '--trail', TrailARN!])).toMatchObject({ code: 0 })
  if (has('aws')) {
    const validation = await openLogValidation(server)
    for (const { code, output } of await validation.validate(TrailARN!))
      expect({ code, output }).toMatchObject({ code: 0 })
    await validation.close()
  }
  await server.stop()
  expect(await fsck(dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 problems') })
  await server.remove()
}, 300_000)
