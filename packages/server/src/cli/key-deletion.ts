/** `strongroom keys report` and `keys delete`: what hangs on a KMS key, told before its deletion is confirmed. */
import { createInterface } from 'node:readline/promises'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { callKms } from './kms-client.ts'
import { callOwnApi } from './own-api-client.ts'
import type { Connection } from './signed-client.ts'

export interface KeyDeletionFlags extends ConnectionFlags {
  readonly days?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** As the server tells it. */
interface KeyReport {
  readonly keyArn: string
  readonly state: string
  readonly deletionAtMs?: number
  readonly aliases: readonly string[]
  readonly grants: number
  readonly versions: number
  readonly bytes: number
  readonly uploads: number
  /** Kept by Object Lock. */
  readonly lockedVersions: number
  readonly buckets: readonly {
    readonly bucket: string
    readonly isDefault: boolean
    readonly currentVersions: number
    readonly olderVersions: number
    readonly bytes: number
    readonly uploads: number
    readonly lockedVersions: number
    /** The first of them. */
    readonly locked: readonly LockedVersion[]
  }[]
  readonly bucketsOfOthers: number
}

export async function reportKeyCommand(keyId: string, flags: KeyDeletionFlags): Promise<number> {
  const report = await reportOf(await resolveConnection(flags, process.env), keyId)
  process.stdout.write(flags.json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report))
  return EXIT.done
}

interface LockedVersion {
  readonly objectKey: string
  readonly versionId: string
  readonly retention?: { readonly mode: string; readonly retainUntilMs: number }
  readonly legalHold?: string
}

/** Asks on a terminal; elsewhere `--yes` confirms. */
export async function deleteKeyCommand(keyId: string, flags: KeyDeletionFlags): Promise<number> {
  const days = flags.days === undefined ? undefined : Number(flags.days)
  if (days !== undefined && !(Number.isInteger(days) && days >= 7 && days <= 30)) {
    throw new UsageError('--days takes 7 to 30')
  }
  const connection = await resolveConnection(flags, process.env)
  const report = await reportOf(connection, keyId)
  if (!flags.json) process.stdout.write(reportText(report))
  if (!flags.yes && !(await isConfirmed(report))) {
    process.stderr.write('strongroom: nothing was changed\n')
    return EXIT.failed
  }
  const scheduled = await callKms<{ DeletionDate?: number; KeyState: string }>(connection, 'ScheduleKeyDeletion', {
    KeyId: report.keyArn,
    PendingWindowInDays: days,
  })
  const { DeletionDate } = scheduled
  // Of a multi-Region primary key nobody knows the date yet.
  const when =
    DeletionDate === undefined ? 'once its replicas are gone' : `on ${new Date(DeletionDate * 1000).toISOString()}`
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...report, ...scheduled }, undefined, 2)}\n`)
  else process.stdout.write(`It will be deleted ${when}; until then \`aws kms cancel-key-deletion\` takes it back.\n`)
  return EXIT.done
}

/** Also of an alias, which deletion itself does not take. */
async function reportOf(connection: Connection, named: string): Promise<KeyReport> {
  const isAlias = named.includes('alias/')
  const keyId = isAlias
    ? (await callKms<{ KeyMetadata: { Arn: string } }>(connection, 'DescribeKey', { KeyId: named })).KeyMetadata.Arn
    : named
  return callOwnApi<KeyReport>(connection, '/-/api/keys/report', { keyId })
}

async function isConfirmed({ keyArn }: KeyReport): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('give --yes, or confirm on a terminal')
  const id = keyArn.split('/').at(-1)!
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await terminal.question(`Type the key's id to schedule its deletion (${id}): `)).trim() === id
  } finally {
    terminal.close()
  }
}

function reportText(report: KeyReport): string {
  const { keyArn, state, deletionAtMs, aliases, grants, versions, bytes, uploads, buckets, bucketsOfOthers } = report
  const date = deletionAtMs === undefined ? '' : `, to be deleted on ${new Date(deletionAtMs).toISOString()}`
  const lines = [
    keyArn,
    `  ${state}${date}; ${aliases.length === 0 ? 'no alias' : aliases.join(', ')}; ${grants} grants`,
    versions + uploads === 0
      ? '  No object hangs on it.'
      : `  ${versions} versions of objects (${sizeText(bytes)}) and ${uploads} uploads could never be read again:`,
    ...buckets.map(bucketText),
  ]
  if (report.lockedVersions > 0) lines.push(...lockedText(report))
  if (bucketsOfOthers > 0) lines.push(`    and in ${bucketsOfOthers} buckets of other accounts`)
  lines.push('  What was encrypted with it elsewhere, by direct calls of the KMS, is not known here.')
  return `${lines.join('\n')}\n`
}

/** What Object Lock keeps is lost with its key all the same, so it is named. */
function lockedText({ lockedVersions, buckets }: KeyReport): string[] {
  const named = buckets.flatMap(({ bucket, locked }) => locked.map((version) => ({ bucket, ...version })))
  const unnamed = lockedVersions - named.length
  return [
    `  WARNING: Object Lock keeps ${lockedVersions} of these versions from being deleted, and does not keep them readable:`,
    ...named.map(({ bucket, objectKey, versionId, retention, legalHold }) => {
      const until = retention && `${retention.mode} until ${new Date(retention.retainUntilMs).toISOString()}`
      const by = [until, legalHold === 'ON' ? 'legal hold' : undefined].filter((fact) => fact !== undefined)
      // A key may hold what a terminal would take for orders.
      return `    ${bucket}/${encodeURI(objectKey)} (${versionId}): ${by.join(', ')}`
    }),
    ...(unnamed > 0 ? [`    and ${unnamed} more`] : []),
  ]
}

function bucketText({
  bucket,
  isDefault,
  currentVersions,
  olderVersions,
  bytes,
  uploads,
}: KeyReport['buckets'][number]) {
  const facts = [`${currentVersions} current and ${olderVersions} older versions, ${sizeText(bytes)}`]
  if (uploads > 0) facts.push(`${uploads} uploads under way`)
  if (isDefault) facts.push('its default key')
  return `    ${bucket}: ${facts.join('; ')}`
}

function sizeText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1)
  return `${Math.round((bytes / 1024 ** power) * 10) / 10} ${UNITS[power]}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
