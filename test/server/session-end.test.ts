/** A session ends at its time, on every worker and for every service: the server's clock is moved by the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { ListKeysCommand } from '@aws-sdk/client-kms'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, iamClient, kmsClient, s3Client, stsClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

let dir: string
let server: TestServer
/** By how much the server's clock is ahead; its processes look the file up each time that they ask for the time. */
const moveClock = (ms: number) => writeFile(join(dir, 'ahead'), String(ms))

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'clock-'))
  await moveClock(0)
  await writeFile(
    join(dir, 'clock.mjs'),
    `import { readFileSync } from 'node:fs'
const now = Date.now
Date.now = () => now() + Number(readFileSync(${JSON.stringify(join(dir, 'ahead'))}, 'utf8') || 0)
`,
  )
  server = await startServer({ env: { NODE_OPTIONS: `--import ${join(dir, 'clock.mjs')}` } })
})
afterAll(async () => {
  await server.remove()
  await rm(dir, { recursive: true, force: true })
})

test('works to its last moments, then is refused by each in its own words', async () => {
  const iam = iamClient(server)
  await iam.send(new CreateUserCommand({ UserName: 'brief' }))
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  })
  await iam.send(new PutUserPolicyCommand({ UserName: 'brief', PolicyName: 'all', PolicyDocument }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'brief' }))
  const own = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
  const { Credentials } = await stsClient(server, { credentials: own }).send(
    new GetSessionTokenCommand({ DurationSeconds: 900 }),
  )
  const credentials = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  }
  /** On connections of their own, so that every worker has its turn. */
  const onEveryWorker = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: 8 }, call))
  const calls = (systemClockOffset: number) => {
    const client = <C extends { config: { systemClockOffset: number } }>(made: C) => {
      made.config.systemClockOffset = systemClockOffset
      return made
    }
    return {
      s3: () => client(s3Client(server, { credentials })).send(new ListBucketsCommand({})),
      kms: () => client(kmsClient(server, { credentials })).send(new ListKeysCommand({})),
      sts: () => client(stsClient(server, { credentials })).send(new GetCallerIdentityCommand({})),
    }
  }

  await moveClock(890_000)
  const before = calls(890_000)
  for (const call of Object.values(before)) await onEveryWorker<unknown>(call)

  await moveClock(901_000)
  const after = calls(901_000)
  const refusals = async (call: () => Promise<unknown>) =>
    new Set((await onEveryWorker(() => failure(call()))).map(({ code, status }) => `${status} ${code}`))
  expect(await refusals(after.s3)).toEqual(new Set(['400 ExpiredToken']))
  expect(await refusals(after.kms)).toEqual(new Set(['400 ExpiredTokenException']))
  expect([...(await refusals(after.sts))]).toEqual([expect.stringMatching(/^403 ExpiredToken/)])
})
