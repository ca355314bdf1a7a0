/** What tests of encryption clients share: a server, a bucket, a wrapping key of each kind, and the clients there are. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateBucketCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import {
  type EncryptedObject,
  type EncryptionClient,
  goClient,
  hasGoClient,
  hasRubyClient,
  rubyClient,
  type WrappingKey,
} from './encryption-clients.ts'
import { kmsClient, s3Client } from './sdk.ts'
import { startServer, type TestServer } from './server.ts'

/** Said aloud where one is absent. */
export const installed = { ruby: hasRubyClient(), go: hasGoClient() }

/** Around blocks of the cipher, and more than the buffers of those who read. */
export const SIZES = [0, 1, 16, 17, 2 ** 20 + 5, 20 * 2 ** 20]
export const CONTEXT = { tenant: 'ACME', straße: 'Ωmega – 東京', emoji: '🔑' }

/** How an object is written and read, but for the key itself. */
export type Kind = Omit<EncryptedObject, 'bucket' | 'objectKey' | 'wrappingKey'> & {
  readonly wrap: WrappingKey['wrap']
}

/** All ways in which Ruby writes format V2. */
export const RUBY_KINDS: Kind[] = (['metadata', 'instruction_file'] as const).flatMap((envelope) => [
  { wrap: 'aes', envelope, materialDescription: { name: 'erster Schlüssel 🔑' } },
  { wrap: 'rsa', envelope },
  { wrap: 'kms', envelope, encryptionContext: CONTEXT },
])

export interface EncryptedObjects {
  readonly server: TestServer
  readonly s3: S3Client
  /** Where {@link installed}. */
  readonly ruby: EncryptionClient
  readonly go: EncryptionClient
  /** An object that is not there yet, under a name of its own. */
  object(kind: Kind): EncryptedObject
  head(object: EncryptedObject): Promise<{ readonly metadata: Record<string, string>; readonly size: number }>
  close(): Promise<void>
}

export async function openEncryptedObjects(): Promise<EncryptedObjects> {
  const server = await startServer()
  const s3 = s3Client(server)
  await s3.send(new CreateBucketCommand({ Bucket: 'encrypted' }))
  const { KeyMetadata } = await kmsClient(server).send(new CreateKeyCommand({}))
  const keys: Record<WrappingKey['wrap'], WrappingKey> = {
    aes: { wrap: 'aes', key: randomBytes(32) },
    rsa: { wrap: 'rsa', key: newRsaKey() },
    kms: { wrap: 'kms', key: KeyMetadata!.Arn! },
  }
  const ruby = installed.ruby ? await rubyClient(server) : ABSENT
  const go = installed.go ? await goClient(server) : ABSENT
  return {
    server,
    s3,
    ruby,
    go,
    object: ({ wrap, ...kind }) => ({
      ...kind,
      bucket: 'encrypted',
      objectKey: randomUUID(),
      wrappingKey: keys[wrap],
    }),
    async head({ bucket, objectKey }) {
      const reply = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: objectKey }))
      return { metadata: reply.Metadata!, size: reply.ContentLength! }
    },
    async close() {
      await ruby.close()
      await go.close()
      await server.remove()
    },
  }
}

/** PKCS#8 PEM. */
export const newRsaKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** What one writes, the other reads, at each size. */
export async function passes(
  newObject: () => EncryptedObject,
  writer: EncryptionClient,
  reader: EncryptionClient,
): Promise<void> {
  for (const size of SIZES) {
    const body = randomBytes(size)
    const object = newObject()
    await writer.put(object, body)
    expect((await reader.get(object)).equals(body), `${size} bytes`).toBe(true)
  }
}

const refuse = () => Promise.reject(new Error('this client is not installed'))
const ABSENT: EncryptionClient = { put: refuse, get: refuse, close: async () => {} }
