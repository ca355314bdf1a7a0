/** How often each S3 request uses a KMS key: told by the log, where every use stands with the request it was for. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { s3Client } from '../support/sdk.ts'
import { startServer } from '../support/server.ts'

interface Line {
  readonly service: string
  readonly operation: string
  readonly requestId: string
  readonly viaRequestId?: string
}

const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: Buffer.alloc(32, 3).toString('base64') }

test.each([
  ['AES256', {}, {}, [], []],
  ['aws:kms', { ServerSideEncryption: 'aws:kms' }, {}, ['GenerateDataKey'], ['Decrypt']],
  ['aws:kms:dsse', { ServerSideEncryption: 'aws:kms:dsse' }, {}, ['GenerateDataKey'], ['Decrypt']],
  ['SSE-C', customer, customer, [], []],
] as const)('%s', async (name, write, read, making, opening) => {
  const server = await startServer()
  const s3 = s3Client(server)
  const at = { Bucket: 'key-use', Key: 'k' }
  await s3.send(new CreateBucketCommand({ Bucket: at.Bucket }))
  const done: string[] = []
  const expected: Record<string, readonly string[]> = {}
  const step = async <T extends { $metadata: { requestId?: string } }>(uses: readonly string[], reply: Promise<T>) => {
    const requestId = (await reply).$metadata.requestId!
    done.push(requestId)
    expected[requestId] = uses
    return reply
  }
  await step(making, s3.send(new PutObjectCommand({ ...at, Body: 'x'.repeat(100_000), ...write })))
  const got = await step(opening, s3.send(new GetObjectCommand({ ...at, ...read })))
  await got.Body!.transformToString()
  const range = await step(opening, s3.send(new GetObjectCommand({ ...at, Range: 'bytes=70000-70001', ...read })))
  await range.Body!.transformToString()
  await step([], s3.send(new HeadObjectCommand({ ...at, ...read })))
  await step([], s3.send(new ListObjectsV2Command({ Bucket: at.Bucket })))
  const upload = await step(making, s3.send(new CreateMultipartUploadCommand({ ...at, ...write })))
  const part = { ...at, UploadId: upload.UploadId, PartNumber: 1 }
  const { ETag } = await step(opening, s3.send(new UploadPartCommand({ ...part, Body: 'y', ...read })))
  await step([], s3.send(new ListPartsCommand(part)))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  await step([], s3.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload })))
  if (name !== 'SSE-C') {
    const copy = { Bucket: at.Bucket, Key: 'copy', CopySource: `${at.Bucket}/k`, ...write }
    await step([...opening, ...making], s3.send(new CopyObjectCommand(copy)))
  }
  await step([], s3.send(new DeleteObjectCommand(at)))
  await server.stop()
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
  const uses = (id: string) => lines.filter((line) => line.viaRequestId === id).map(({ operation }) => operation)
  for (const id of done) {
    const { operation } = lines.find((line) => line.service === 's3' && line.requestId === id)!
    expect([operation, uses(id)]).toEqual([operation, expected[id]])
  }
  await server.remove()
})
