/** kill -9 under load: every call of the KMS that was acknowledged is on record, and the chain holds. */
import { CreateKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { expect, test } from 'vitest'
import { audit, keyUses } from '../support/audit.ts'
import { kmsClient } from '../support/sdk.ts'
import { fsck, startServer } from '../support/server.ts'

const REQUESTS = 20_000
const CALLERS = 32

test('of 20,000 calls with a kill in their midst every acknowledged one is on record', async () => {
  let server = await startServer()
  const { dataDir } = server
  const { KeyId } = (await kmsClient(server).send(new CreateKeyCommand({}))).KeyMetadata!
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
  server = await startServer({ dataDir })
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
  await server.stop()
  expect(await fsck(dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('0 problems') })
  await server.remove()
}, 300_000)
