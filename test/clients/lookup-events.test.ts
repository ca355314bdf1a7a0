/** Who used a key, asked by the AWS CLI a second after it was used. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientEnvironment, has } from '../support/clients.ts'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

describe.skipIf(!has('aws'))('aws cloudtrail lookup-events', () => {
  let server: TestServer
  let home: string
  beforeAll(async () => {
    server = await startServer()
    home = await mkdtemp(join(tmpdir(), 'lookup-events-'))
  })
  afterAll(async () => {
    await server.remove()
    await rm(home, { recursive: true })
  })

  test('finds the calls of the KMS of one put and one get, by key and by name', async () => {
    const s3 = s3Client(server)
    const { Arn } = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!
    await s3.send(new CreateBucketCommand({ Bucket: 'by-cli' }))
    const object = { Bucket: 'by-cli', Key: 'k' }
    await s3.send(new PutObjectCommand({ ...object, Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: Arn }))
    await (await s3.send(new GetObjectCommand(object))).Body!.transformToString()
    await sleep(1_000)
    const found = await lookup('ResourceName', Arn!)
    expect(found.map(({ EventName }) => EventName)).toEqual(['Decrypt', 'GenerateDataKey', 'CreateKey'])
    expect(await lookup('EventName', 'Decrypt')).toEqual(found.slice(0, 1))
  })

  async function lookup(key: string, value: string): Promise<{ EventName: string; CloudTrailEvent: string }[]> {
    const attribute = `AttributeKey=${key},AttributeValue=${value}`
    const { stdout } = await promisify(execFile)(
      'aws',
      ['cloudtrail', 'lookup-events', '--endpoint-url', server.https, '--lookup-attributes', attribute],
      { env: clientEnvironment(server, home) },
    )
    return JSON.parse(stdout).Events
  }
})
