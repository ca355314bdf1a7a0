/**
 * `strongroom audit verify --trail`: whether the delivered files of a trail are as they were delivered. What is verified may be
 * in a bucket of any S3 or in a folder, and the public keys may be in a file, so that no server need be asked or trusted.
 */
import { readFile } from 'node:fs/promises'
import { logFolder } from '../trails/log-file-name.ts'
import {
  digestTimeMs,
  type Finding,
  type TrailArchive,
  type ValidationRange,
  validateTrail,
} from '../trails/validation.ts'
import { readTime } from './audit.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { type Connection, sendSigned } from './signed-client.ts'
import { bucketArchive, digestsInBucket, digestsInFolder, folderArchive, type NamedDigest } from './trail-archive.ts'

export interface AuditVerifyFlags extends ConnectionFlags {
  /** A name, or an ARN. */
  readonly trail: string
  /** Of downloaded files, in place of a bucket. */
  readonly folder?: string
  /** As `aws cloudtrail list-public-keys` prints them. */
  readonly publicKeys?: string
  /** Where the trail's files are, if the trail is not to be asked for. */
  readonly bucket?: string
  readonly prefix?: string
  readonly since?: string
  readonly until?: string
  readonly verbose?: boolean
  readonly json?: boolean
}

interface Found {
  readonly digests: readonly NamedDigest[]
  readonly archive: (digests: readonly NamedDigest[]) => TrailArchive
  readonly publicKeys: (region: string, fromMs: number) => Promise<ReadonlyMap<string, string>>
}

export async function auditVerifyTrail(flags: AuditVerifyFlags): Promise<number> {
  const range = readRange(flags)
  const { digests, archive, publicKeys } = await (flags.folder === undefined ? inBucket(flags) : inFolder(flags))
  const findings: Finding[] = []
  const idOf = ({ accountId, region, homeRegion }: NamedDigest) => [accountId, region, homeRegion].join()
  for (const id of new Set(digests.map(idOf))) {
    const chain = digests.filter((digest) => idOf(digest) === id)
    const oldestMs = Math.min(...chain.map(({ objectKey }) => digestTimeMs(objectKey)))
    const keys = await publicKeys(chain[0]!.region, oldestMs)
    for await (const finding of validateTrail(archive(chain), keys, range)) {
      findings.push(finding)
      if (!flags.json && (flags.verbose || finding.state !== 'valid')) process.stdout.write(`${lineOf(finding)}\n`)
    }
  }
  if (flags.json) process.stdout.write(`${JSON.stringify({ trail: flags.trail, findings }, undefined, 2)}\n`)
  else process.stdout.write(summaryOf(findings))
  return findings.some(({ state }) => state === 'invalid') || findings.length === 0 ? EXIT.failed : EXIT.done
}

async function inFolder({ folder = '', publicKeys, trail }: AuditVerifyFlags): Promise<Found> {
  if (publicKeys === undefined) throw new UsageError('--folder wants the public keys: --public-keys FILE')
  const keys = await readPublicKeys(publicKeys)
  return {
    digests: (await digestsInFolder(folder)).filter((digest) => isOf(digest, trail)),
    archive: (digests) => folderArchive(folder, digests),
    publicKeys: async () => keys,
  }
}

async function inBucket(flags: AuditVerifyFlags): Promise<Found> {
  const connection = await resolveConnection(flags, process.env)
  const { arn, bucket, prefix } = await whereabouts(connection, flags)
  const folder = logFolder({ accountId: arn.split(':')[4]!, s3KeyPrefix: prefix || undefined })
  const found = await digestsInBucket(connection, bucket, `${folder}CloudTrail-Digest/`)
  const keys = flags.publicKeys === undefined ? undefined : await readPublicKeys(flags.publicKeys)
  return {
    digests: found.filter((digest) => isOf(digest, arn)),
    archive: (digests) => bucketArchive(connection, digests),
    publicKeys: async (region, fromMs) => keys ?? (await listPublicKeys({ ...connection, region }, fromMs)),
  }
}

async function whereabouts(connection: Connection, { trail, bucket, prefix }: AuditVerifyFlags) {
  if (bucket !== undefined) {
    if (!TRAIL_ARN.test(trail)) throw new UsageError('with --bucket, --trail takes the ARN of the trail')
    return { arn: trail, bucket, prefix }
  }
  const { Trail } = await callCloudTrail<{
    Trail: { TrailARN: string; S3BucketName: string; S3KeyPrefix?: string }
  }>(connection, 'GetTrail', { Name: trail })
  return { arn: Trail.TrailARN, bucket: Trail.S3BucketName, prefix: prefix ?? Trail.S3KeyPrefix }
}

/** `trail`: a name, which may be of several trails in a folder, or an ARN. */
function isOf(digest: NamedDigest, trail: string): boolean {
  const [, homeRegion, accountId, name] = TRAIL_ARN.exec(trail) ?? []
  if (name === undefined) return digest.trail === trail
  return digest.trail === name && digest.homeRegion === homeRegion && digest.accountId === accountId
}

async function listPublicKeys(connection: Connection, fromMs: number): Promise<ReadonlyMap<string, string>> {
  const times = { StartTime: Math.floor(fromMs / 1000) - HOUR_S, EndTime: Math.ceil(Date.now() / 1000) + HOUR_S }
  return keysOf(await callCloudTrail<PublicKeyList>(connection, 'ListPublicKeys', times))
}

async function readPublicKeys(path: string): Promise<ReadonlyMap<string, string>> {
  try {
    return keysOf(JSON.parse(await readFile(path, 'utf8')) as PublicKeyList)
  } catch (error) {
    throw new UsageError(`--public-keys: ${path} is no list of public keys: ${(error as Error).message}`)
  }
}

interface PublicKeyList {
  readonly PublicKeyList: readonly { readonly Fingerprint: string; readonly Value: string }[]
}

const keysOf = ({ PublicKeyList }: PublicKeyList) =>
  new Map(PublicKeyList.map(({ Fingerprint, Value }) => [Fingerprint, Value]))

async function callCloudTrail<T>(connection: Connection, operation: string, input: object): Promise<T> {
  const { status, body } = await sendSigned(connection, {
    method: 'POST',
    path: '/',
    service: 'cloudtrail',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.${operation}`,
    },
    body: Buffer.from(JSON.stringify(input)),
  })
  if (status === 200) return JSON.parse(body.toString()) as T
  throw new Error(`${operation} was refused with status ${status}: ${body.toString().slice(0, 500)}`)
}

function readRange({ since, until }: AuditVerifyFlags): ValidationRange {
  const nowMs = Date.now()
  return {
    fromMs: since === undefined ? undefined : readTime('--since', since, nowMs),
    untilMs: until === undefined ? undefined : readTime('--until', until, nowMs),
  }
}

/** As AWS's own command says it. */
function lineOf({ file, bucket, objectKey, state, reason }: Finding): string {
  const what = file === 'digest' ? 'Digest file' : 'Log file'
  const how = { valid: 'valid', invalid: `INVALID: ${reason}`, unverified: `not verified: ${reason}` }[state]
  return `${what}\ts3://${bucket}/${objectKey}\t${how}`
}

function summaryOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'No digests found\n'
  const lines = (['digest', 'log'] as const).flatMap((file) => {
    const all = findings.filter((finding) => finding.file === file)
    const count = (wanted: Finding['state']) => all.filter(({ state }) => state === wanted).length
    if (all.length === 0) return []
    const parts = [`${count('valid')}/${all.length} ${file} files valid`]
    if (count('invalid') > 0) parts.push(`${count('invalid')}/${all.length} ${file} files INVALID`)
    if (count('unverified') > 0) parts.push(`${count('unverified')}/${all.length} ${file} files not verified`)
    return [parts.join(', ')]
  })
  return `${lines.join('\n')}\n`
}

const TRAIL_ARN = /^arn:[\w-]+:cloudtrail:([a-z0-9-]+):(\d{12}):trail\/(.+)$/
const HOUR_S = 3600
