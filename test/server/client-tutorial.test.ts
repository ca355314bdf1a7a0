/** docs/client/tutorial.md is one program: compiled and run against a server, it prints what it says that it prints. */
import { execFile } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateAliasCommand, CreateKeyCommand, GenerateDataKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { ERRORS } from '@strongroom/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kmsClient, s3Client } from '../support/sdk.ts'
import { root, startServer, type TestServer } from '../support/server.ts'

const run = promisify(execFile)
let server: TestServer
let folder: string
let tutorial: string

beforeAll(async () => {
  server = await startServer()
  tutorial = await readFile(join(root, 'docs/client/tutorial.md'), 'utf8')
  folder = await mkdtemp(join(tmpdir(), 'strongroom-tutorial-'))
})
afterAll(async () => {
  await server?.remove()
  if (folder) await rm(folder, { recursive: true })
})

test('its blocks compile, and run in order as one program', async () => {
  await receiveMail()
  const blocks = [...tutorial.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!)
  const program = blocks.join('\n')
  const promised = [...program.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line!)
  expect(promised.length).toBeGreaterThan(20)

  // A user's project, whose packages are those of this repository.
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'tutorial.ts'), program)
  const strict = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--lib', 'es2023,dom', '--types', 'node']
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await passes(
    run(process.execPath, [tsc, ...strict, '--skipLibCheck', 'tutorial.ts'], { cwd: folder, encoding: 'utf8' }),
  )
  const { stdout } = await passes(
    run(process.execPath, ['tutorial.js'], {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        AWS_ENDPOINT_URL: server.https,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: server.root.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.root.secretAccessKey,
        NODE_EXTRA_CA_CERTS: server.ca,
      },
    }),
  )
  expect(stdout.trimEnd().split('\n')).toEqual(promised)
})

test('it says of each code of an error what to do', () => {
  const rows = [...tutorial.matchAll(/^\| `([A-Z]\w+)` +\|/gm)].map(([, code]) => code)
  expect(rows).toEqual(Object.keys(ERRORS))
})

/** What the compiler and the program say is what somebody has to see. */
async function passes(process: Promise<{ readonly stdout: string }>): Promise<{ readonly stdout: string }> {
  try {
    return await process
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${stdout}\n${stderr}`, { cause: error })
  }
}

/** The mail that the tutorial finds, in the form in which Amazon SES stores it. */
async function receiveMail() {
  const [kms, s3] = [kmsClient(server), s3Client(server)]
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/mail', TargetKeyId: KeyMetadata!.KeyId! }))
  const EncryptionContext = { kms_cmk_id: KeyMetadata!.Arn!, 'aws:ses:message-id': 'm1' }
  const generate = new GenerateDataKeyCommand({ KeyId: 'alias/mail', KeySpec: 'AES_256', EncryptionContext })
  const { CiphertextBlob, Plaintext } = await kms.send(generate)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', Plaintext!, iv)
  await s3.send(new CreateBucketCommand({ Bucket: 'my-mail' }))
  await s3.send(
    new PutObjectCommand({
      Bucket: 'my-mail',
      Key: 'inbox/1',
      Body: Buffer.concat([cipher.update('Subject: Hello'), cipher.final(), cipher.getAuthTag()]),
      Metadata: {
        'x-amz-key-v2': Buffer.from(CiphertextBlob!).toString('base64'),
        'x-amz-iv': iv.toString('base64'),
        'x-amz-cek-alg': 'AES/GCM/NoPadding',
        'x-amz-wrap-alg': 'kms',
        'x-amz-tag-len': '128',
        'x-amz-matdesc': JSON.stringify(EncryptionContext),
      },
    }),
  )
}
