/**
 * `strongroom keys rewrap BUCKET`: moves all that is in a bucket to another key or method, version by version, as a client
 * of the server. What is there already is passed over, so that a run that was cut off is simply begun again; objects can
 * be read all the time. Calls of the KMS count against the caller's quota: past it the run waits.
 */
import { inParallel } from '../core/in-parallel.ts'
import { childrenNamed, childText, readXml } from '../s3/xml-reader.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { callKms } from './kms-client.ts'
import { ProgressBar } from './progress-bar.ts'
import { type Connection, encoded, type SignedReply, sendSigned } from './signed-client.ts'

export interface RewrapFlags extends ConnectionFlags {
  readonly to?: string
  readonly method?: string
  readonly bucketKey?: boolean
  readonly concurrency?: string
  readonly json?: boolean
}

interface Version {
  readonly objectKey: string
  readonly versionId: string
}

interface Tally {
  already: number
  rewrapped: number
  'sealed-anew': number
  /** Left as they are, since only their owners have the key. */
  customerKey: number
  /** Deleted meanwhile. */
  gone: number
  readonly failed: { readonly objectKey: string; readonly versionId: string; readonly error: string }[]
}

const METHODS = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const
type Method = (typeof METHODS)[number]

const PAGE = 1000
const DEFAULT_CONCURRENCY = 8
/** Of one version that others change at the same time. */
const MOST_CONTENDED = 20

export async function rewrapCommand(bucket: string, flags: RewrapFlags): Promise<number> {
  const concurrency = concurrencyOf(flags)
  const method = methodOf(flags)
  const connection = await resolveConnection(flags, process.env)
  const body = await targetDocument(connection, bucket, method, flags)
  const tally: Tally = { already: 0, rewrapped: 0, 'sealed-anew': 0, customerKey: 0, gone: 0, failed: [] }
  let total = 0
  for await (const _ of versionsOf(connection, bucket)) total++
  const bar = new ProgressBar(`rewrap ${bucket}`)
  let done = 0
  bar.show(done, total)
  await inParallel(versionsOf(connection, bucket), concurrency, async (version) => {
    await change(connection, bucket, version, body, tally, () => bar.show(done, total, 'waiting for the quota'))
    // What was written since it was counted belongs to the bucket as well.
    bar.show(++done, Math.max(done, total))
  })
  bar.end()
  if (flags.json) process.stdout.write(`${JSON.stringify({ bucket, ...tally }, undefined, 2)}\n`)
  else process.stdout.write(report(bucket, tally))
  return tally.failed.length === 0 ? EXIT.done : EXIT.failed
}

function report(bucket: string, tally: Tally): string {
  const { already, rewrapped, 'sealed-anew': sealedAnew, customerKey, gone, failed } = tally
  const lines = [`${bucket}: ${rewrapped} rewrapped, ${sealedAnew} sealed anew, ${already} were so already`]
  if (customerKey > 0) lines.push(`  ${customerKey} are under customers' own keys and stay so`)
  if (gone > 0) lines.push(`  ${gone} were deleted meanwhile`)
  for (const { objectKey, versionId, error } of failed) lines.push(`  failed: ${objectKey} (${versionId}): ${error}`)
  return `${lines.join('\n')}\n`
}

/** Undefined: the bucket's default. Throws UsageError. */
function methodOf({ method, to, bucketKey }: RewrapFlags): Method | undefined {
  if (method === undefined) return to === undefined ? undefined : 'aws:kms'
  const found = METHODS.find((one) => one === method)
  if (!found) throw new UsageError(`--method takes AES256, aws:kms or aws:kms:dsse, not ${method}`)
  if (found === 'AES256' && to !== undefined) throw new UsageError('--to names a KMS key, which AES256 has none of')
  if (found !== 'aws:kms' && bucketKey) throw new UsageError(`--bucket-key is of aws:kms, not of ${found}`)
  return found
}

/** The document that UpdateObjectEncryption takes. Throws what the server says of the key or bucket. */
async function targetDocument(
  connection: Connection,
  bucket: string,
  asked: Method | undefined,
  flags: RewrapFlags,
): Promise<Buffer> {
  const target =
    asked === undefined
      ? await bucketDefault(connection, bucket)
      : { method: asked, keyId: flags.to, bucketKey: flags.bucketKey === true }
  const { method, bucketKey } = target
  if (method === 'AES256') return Buffer.from('<ObjectEncryption><SSE-S3/></ObjectEncryption>')
  const keyArn = `<KMSKeyArn>${await keyArnOf(connection, target.keyId ?? 'alias/aws/s3')}</KMSKeyArn>`
  const inner =
    method === 'aws:kms'
      ? `<SSE-KMS>${keyArn}<BucketKeyEnabled>${bucketKey}</BucketKeyEnabled></SSE-KMS>`
      : `<DSSE-KMS>${keyArn}</DSSE-KMS>`
  return Buffer.from(`<ObjectEncryption>${inner}</ObjectEncryption>`)
}

async function bucketDefault(connection: Connection, bucket: string) {
  const reply = await sendSigned(connection, { method: 'GET', path: `/${bucket}`, query: 'encryption=' })
  const rule = childrenNamed(readXml(expect200(reply)), 'Rule')[0]!
  const applied = childrenNamed(rule, 'ApplyServerSideEncryptionByDefault')[0]!
  return {
    method: childText(applied, 'SSEAlgorithm')!,
    keyId: childText(applied, 'KMSMasterKeyID'),
    bucketKey: childText(rule, 'BucketKeyEnabled') === 'true',
  }
}

/** Also of an alias. */
async function keyArnOf(connection: Connection, KeyId: string): Promise<string> {
  return (await callKms<{ KeyMetadata: { Arn: string } }>(connection, 'DescribeKey', { KeyId })).KeyMetadata.Arn
}

/** Every version of every object, without delete markers. */
async function* versionsOf(connection: Connection, bucket: string): AsyncGenerator<Version> {
  let after = ''
  for (;;) {
    const query = `encoding-type=url${after}&max-keys=${PAGE}&versions=`
    const root = readXml(expect200(await sendSigned(connection, { method: 'GET', path: `/${bucket}`, query })))
    for (const version of childrenNamed(root, 'Version')) {
      // In the form of a query, where a space is a plus.
      const objectKey = decodeURIComponent(childText(version, 'Key')!.replaceAll('+', ' '))
      yield { objectKey, versionId: childText(version, 'VersionId')! }
    }
    if (childText(root, 'IsTruncated') !== 'true') return
    const key = decodeURIComponent((childText(root, 'NextKeyMarker') ?? '').replaceAll('+', ' '))
    after = `&key-marker=${encoded(key)}&version-id-marker=${encoded(childText(root, 'NextVersionIdMarker') ?? '')}`
  }
}

async function change(
  connection: Connection,
  bucket: string,
  { objectKey, versionId }: Version,
  body: Buffer,
  tally: Tally,
  onWait: () => void,
): Promise<void> {
  let contended = 0
  for (;;) {
    const reply = await sendSigned(connection, {
      method: 'PUT',
      path: `/${bucket}/${objectKey.split('/').map(encoded).join('/')}`,
      query: `encryption=&versionId=${encoded(versionId)}`,
      headers: { 'x-strongroom-any-encryption': 'true' },
      body,
    })
    if (reply.status === 200) {
      tally[reply.headers['x-strongroom-encryption-change'] as 'already' | 'rewrapped' | 'sealed-anew']++
      return
    }
    const { code, message } = errorOf(reply)
    if (code === 'SlowDown') {
      onWait()
      await nextSecond()
    } else if (code === 'OperationAborted' && contended < MOST_CONTENDED) {
      contended++
    } else if (code === 'NoSuchKey' || code === 'NoSuchVersion') {
      tally.gone++
      return
    } else if (code === 'InvalidRequest' && message.includes('SSE-C')) {
      tally.customerKey++
      return
    } else {
      tally.failed.push({ objectKey, versionId, error: `${code}: ${message}` })
      return
    }
  }
}

function expect200(reply: SignedReply): Buffer {
  if (reply.status === 200) return reply.body
  const { code, message } = errorOf(reply)
  throw new Error(`${code}: ${message}`)
}

function errorOf({ status, body }: SignedReply): { code: string; message: string } {
  const text = body.toString()
  const part = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1]
  return { code: part('Code') ?? String(status), message: part('Message') ?? '' }
}

function concurrencyOf({ concurrency }: RewrapFlags): number {
  const given = concurrency === undefined ? DEFAULT_CONCURRENCY : Number(concurrency)
  if (!Number.isInteger(given) || given < 1 || given > 64) throw new UsageError('--concurrency takes 1 to 64')
  return given
}

const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000) + Math.random() * 50))
