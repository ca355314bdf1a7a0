/** Memory stays flat as objects grow: 5 GiB up in parts and down again. */
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { readFile, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { s3Client } from '../support/sdk.ts'
import { childrenOf, startServer } from '../support/server.ts'

const MiB = 1024 * 1024
const PART_BYTES = 64 * MiB
const PARTS = 80
const ROOM_BYTES = 6 * 1024 * MiB
const MOST_RESIDENT_KIB = 300 * 1024

const { bavail, bsize } = await statfs(tmpdir())
const hasRoom = bavail * bsize > ROOM_BYTES
if (!hasRoom) console.log(`SKIPPED: 5 GiB up and down, as ${tmpdir()} has less than 6 GiB free`)

/** The most memory that a process ever held, in KiB (VmHWM of proc(5)). */
async function peakResident(pid: number): Promise<number> {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1])
}

test.skipIf(!hasRoom)(
  '5 GiB up in parts and down, in under 300 MiB for each process',
  { timeout: 900_000 },
  async () => {
    const server = await startServer({ workers: 2 })
    try {
      const s3 = s3Client(server)
      const Bucket = 'memory'
      await s3.send(new CreateBucketCommand({ Bucket }))
      const created = await s3.send(
        new CreateMultipartUploadCommand({ Bucket, Key: 'k', ServerSideEncryption: 'aws:kms' }),
      )
      const upload = { Bucket, Key: 'k', UploadId: created.UploadId }
      // Each part is the same bytes but for its number, which stands at its beginning.
      const part = randomBytes(PART_BYTES)
      const sent = createHash('sha1')
      const Parts: CompletedPart[] = []
      for (let PartNumber = 1; PartNumber <= PARTS; PartNumber += 4) {
        const batch = [0, 1, 2, 3].map((i) => {
          const Body = Buffer.from(part)
          Body.writeUInt32BE(PartNumber + i)
          sent.update(Body)
          return { ...upload, PartNumber: PartNumber + i, Body }
        })
        const replies = batch.map(async (input) => {
          const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand(input))
          return { PartNumber: input.PartNumber, ETag, ChecksumCRC32 }
        })
        Parts.push(...(await Promise.all(replies)))
      }
      await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
      const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))
      expect(ContentLength).toBe(PARTS * PART_BYTES)
      expect(await digest(Body as AsyncIterable<Uint8Array>, createHash('sha1'))).toBe(sent.digest('hex'))
      const peaks = await Promise.all([server.pid, ...(await childrenOf(server.pid))].map(peakResident))
      console.log(`peak resident memory of the server's processes: ${peaks.map((kib) => Math.round(kib / 1024))} MiB`)
      expect(peaks.length).toBe(3)
      expect(Math.max(...peaks)).toBeLessThan(MOST_RESIDENT_KIB)
    } finally {
      await server.remove()
    }
  },
)

async function digest(chunks: AsyncIterable<Uint8Array>, hash: Hash): Promise<string> {
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
