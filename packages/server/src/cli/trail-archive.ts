/** Delivered files of trails where they are: in a bucket, of any S3, or in a folder that they were downloaded into. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { childrenNamed, childText, readXml } from '../s3/xml-reader.ts'
import type { ArchivedFile, FilePlace, TrailArchive } from '../trails/validation.ts'
import { type Connection, encoded, sendSigned } from './signed-client.ts'

/** A digest's place and what its name tells. */
export interface NamedDigest extends FilePlace {
  readonly accountId: string
  /** Whose events it is about. */
  readonly region: string
  readonly trail: string
  readonly homeRegion: string
}

/** All digests under a prefix. */
export async function digestsInBucket(connection: Connection, bucket: string, prefix: string): Promise<NamedDigest[]> {
  const digests: NamedDigest[] = []
  for (let after = ''; ; ) {
    const query = `list-type=2&prefix=${encoded(prefix)}${after && `&start-after=${encoded(after)}`}`
    const sorted = query.split('&').sort().join('&')
    const reply = await sendSigned(connection, { method: 'GET', path: `/${bucket}`, query: sorted })
    if (reply.status !== 200)
      throw new Error(`the bucket ${bucket} cannot be listed: ${errorOf(reply.body, reply.status)}`)
    const root = readXml(reply.body)
    const keys = childrenNamed(root, 'Contents').map((one) => childText(one, 'Key')!)
    for (const objectKey of keys) {
      const digest = readDigestName(bucket, objectKey)
      if (digest) digests.push(digest)
    }
    if (childText(root, 'IsTruncated') !== 'true') return digests
    after = keys.at(-1)!
  }
}

export const bucketArchive = (connection: Connection, digests: readonly FilePlace[]): TrailArchive => ({
  digests,
  async read({ bucket, objectKey }): Promise<ArchivedFile | undefined> {
    const path = `/${bucket}/${objectKey.split('/').map(encoded).join('/')}`
    const { status, headers, body } = await sendSigned(connection, { method: 'GET', path })
    if (status === 404) return undefined
    if (status !== 200) throw new Error(`s3://${bucket}/${objectKey} cannot be read: ${errorOf(body, status)}`)
    const signature = headers['x-amz-meta-signature']
    return { body, signature: typeof signature === 'string' ? signature : undefined }
  },
})

/** Of a folder that holds what is in a bucket under the same names. */
export async function digestsInFolder(dir: string): Promise<NamedDigest[]> {
  const digests: NamedDigest[] = []
  for (const path of await readdir(dir, { recursive: true })) {
    const objectKey = path.split(sep).join('/')
    if (!readDigestName('', objectKey)) continue
    // What bucket that was stands in the digest, and is signed with it.
    const bucket = await bucketIn(join(dir, path))
    digests.push(readDigestName(bucket, objectKey)!)
  }
  return digests
}

async function bucketIn(path: string): Promise<string> {
  try {
    const digest = JSON.parse((await inflate(await readFile(path))).toString()) as { digestS3Bucket?: unknown }
    return typeof digest.digestS3Bucket === 'string' ? digest.digestS3Bucket : ''
  } catch {
    // Whoever verifies it says that it cannot be read.
    return ''
  }
}

/** The metadata of objects is not in a folder: a signature may lie beside its digest, in a file with `.signature` after its name. */
export const folderArchive = (dir: string, digests: readonly FilePlace[], root = resolve(dir)): TrailArchive => ({
  digests,
  async read({ objectKey }): Promise<ArchivedFile | undefined> {
    const path = join(root, objectKey)
    // A digest that was tampered with may name anything.
    if (!path.startsWith(root + sep)) return undefined
    const body = await readFile(path).catch(absent)
    const signature = (await readFile(`${path}.signature`, 'utf8').catch(absent))?.trim()
    return body && { body, signature }
  },
})

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'EISDIR' && error.code !== 'ENOTDIR') throw error
  return undefined
}

function readDigestName(bucket: string, objectKey: string): NamedDigest | undefined {
  const [, accountId, region, trail, homeRegion] = DIGEST_NAME.exec(objectKey) ?? []
  if (homeRegion === undefined) return undefined
  return { bucket, objectKey, accountId: accountId!, region: region!, trail: trail!, homeRegion }
}

const errorOf = (body: Buffer, status: number) =>
  /<Code>([^<]*)<\/Code>/.exec(body.toString())?.[1] ?? `status ${status}`

const inflate = promisify<Uint8Array, Buffer>(gunzip)
const DIGEST_NAME =
  /\/CloudTrail-Digest\/[^/]+\/\d{4}\/\d\d\/\d\d\/(\d{12})_CloudTrail-Digest_([a-z0-9-]+)_([A-Za-z0-9._-]+)_([a-z0-9-]+)_\d{8}T\d{6}Z\.json\.gz$/
