/** What stands on disk. */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { failure, s3Client } from '../support/sdk.ts'
import { fsck, startServer } from '../support/server.ts'

async function files(dir: string): Promise<{ path: string; bytes: Buffer }[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })))
}

test('no plaintext, customer’s key or secret stands in any file or in the log', async () => {
  const rootKey = randomBytes(32).toString('base64')
  const secretAccessKey = randomBytes(30).toString('hex')
  const env = {
    STRONGROOM_ROOT_KEY: rootKey,
    STRONGROOM_ROOT_ACCESS_KEY_ID: 'AKIAGIVEN',
    STRONGROOM_ROOT_SECRET_ACCESS_KEY: secretAccessKey,
  }
  const server = await startServer({ env })
  const s3 = s3Client(server, { credentials: { accessKeyId: 'AKIAGIVEN', secretAccessKey } })
  const customerKey = randomBytes(32)
  const sseC = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customerKey.toString('base64') }
  const mark = 'a very marked plaintext'
  await s3.send(new CreateBucketCommand({ Bucket: 'marked' }))
  for (const [name, more] of Object.entries({
    s3: {},
    kms: { ServerSideEncryption: 'aws:kms' },
    dsse: { ServerSideEncryption: 'aws:kms:dsse' },
    c: sseC,
  })) {
    for (const size of [1, 5000]) {
      const put = {
        Bucket: 'marked',
        Key: `${name}${size}`,
        Body: mark.repeat(size),
        Metadata: { note: mark },
        ...(more as object),
      }
      await s3.send(new PutObjectCommand(put))
      const read = name === 'c' ? sseC : {}
      const target = { Bucket: 'marked', Key: `${name}${size}-in-parts` }
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, ...(more as object) }))
      const part = { ...target, UploadId, PartNumber: 1 }
      const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: mark.repeat(size), ...read }))
      // One upload stays in progress.
      if (size > 1) {
        const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
        await s3.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload }))
      }
      const got = await s3.send(new GetObjectCommand({ Bucket: 'marked', Key: `${name}${size}`, ...read }))
      expect((await got.Body!.transformToString()).length).toBe(mark.length * size)
    }
  }
  expect(await server.stop()).toBe(0)
  const keyMd5 = createHash('md5').update(customerKey).digest()
  const secrets = [
    mark,
    customerKey,
    customerKey.toString('base64'),
    secretAccessKey,
    rootKey,
    Buffer.from(rootKey, 'base64'),
    keyMd5,
    keyMd5.toString('base64'),
  ]
  for (const { path, bytes } of [...(await files(server.dataDir)), { path: 'log', bytes: Buffer.from(server.log()) }]) {
    for (const secret of secrets) expect(bytes.includes(secret), `a secret in ${path}`).toBe(false)
  }
  expect(server.log()).toContain('"operation":"PutObject"')
  const kept = (await files(server.dataDir))
    .filter(({ path }) => path.includes(`${sep}secrets${sep}`))
    .map(({ path }) => path.split(sep).at(-1))
  expect(kept.sort()).toEqual(['ca.key', 'server.key'])
  const wrong = await fsck(server.dataDir, { STRONGROOM_ROOT_KEY: randomBytes(32).toString('base64') })
  expect(wrong.code).toBe(78)
  expect(await fsck(server.dataDir, { STRONGROOM_ROOT_KEY: rootKey })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('12 versions'),
  })
  await server.remove()
})

test('a flipped bit in a stored file is reported by fsck, and its segment is not released', async () => {
  const server = await startServer()
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'flip' }))
  await s3.send(new PutObjectCommand({ Bucket: 'flip', Key: 'k', Body: randomBytes(500_000) }))
  await s3.send(new PutObjectCommand({ Bucket: 'flip', Key: 'small', Body: 'x'.repeat(1000) }))
  const blob = (await files(server.dataDir)).find(({ path }) => path.includes(`${sep}kept${sep}`))!
  blob.bytes[100]! ^= 1
  await writeFile(blob.path, blob.bytes)
  const call = s3
    .send(new GetObjectCommand({ Bucket: 'flip', Key: 'k' }))
    .then((reply) => reply.Body!.transformToByteArray())
  await failure(call)
  await server.stop()
  expect(await fsck(server.dataDir)).toMatchObject({ code: 1, stdout: expect.stringContaining('s3://flip/k') })
  blob.bytes[100]! ^= 1
  await writeFile(blob.path, blob.bytes)
  expect(await fsck(server.dataDir)).toMatchObject({ code: 0 })
  // Small content lies in the catalog, under the mark of a sealed stream.
  const catalog = (await files(server.dataDir)).find(
    ({ path }) => path === join(server.dataDir, 'catalog', 'catalog.mdb'),
  )!
  const places: number[] = []
  for (let at = catalog.bytes.indexOf('SRSF'); at >= 0; at = catalog.bytes.indexOf('SRSF', at + 1)) places.push(at)
  expect(places).not.toEqual([])
  // Freed pages hold copies of it that nobody reads.
  for (const at of places) catalog.bytes[at + 80]! ^= 1
  await writeFile(catalog.path, catalog.bytes)
  expect(await fsck(server.dataDir)).toMatchObject({ code: 1, stdout: expect.stringContaining('s3://flip/small') })
  await server.remove()
})
