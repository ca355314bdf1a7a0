/**
 * A program of its own that streams a body through @strongroom/client and back, and prints its peak memory. Arguments
 * by JSON: `{ endpoint, accessKeyId, secretAccessKey, bucket, bytes, options }`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { S3Client } from '@aws-sdk/client-s3'
import { createEncryptingClient, rawAesKeyring } from '@strongroom/client'

const { endpoint, accessKeyId, secretAccessKey, bucket, bytes, options } = JSON.parse(process.argv[2])
const s3 = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
})
const client = createEncryptingClient(s3, { keyring: rawAesKeyring({ wrappingKey: randomBytes(32) }), ...options })

const piece = randomBytes(2 ** 20)
async function* body(hash) {
  for (let at = 0; at < bytes; at += piece.length) {
    piece.writeUInt32BE(at / piece.length)
    const chunk = Buffer.from(piece)
    hash.update(chunk)
    yield chunk
  }
}
const sent = createHash('sha1')
await client.putObject({ Bucket: bucket, Key: 'streamed', Body: body(sent) })
const received = createHash('sha1')
const { Body, ContentLength } = await client.getObject({ Bucket: bucket, Key: 'streamed' })
for await (const chunk of Body) received.update(chunk)
console.log(
  JSON.stringify({
    same: sent.digest('hex') === received.digest('hex') && ContentLength === bytes,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  }),
)
