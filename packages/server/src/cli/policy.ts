/** `strongroom policy …`: ready-made statements for a bucket's policy, and what a policy may get wrong. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { ROOT_ACCOUNT } from '../identity/accounts.ts'
import { readPolicy } from '../policy/document.ts'
import { type LintWarning, lintBucketPolicy } from '../policy/lint.ts'
import { PolicyError } from '../policy/policy-error.ts'
import { denySseC, httpsOnly, minTls, type PolicyStatement, requireKms, withStatements } from '../policy/ready-made.ts'
import { validateResourcePolicy } from '../policy/validate.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT, UsageError } from './exit.ts'
import { type Connection, sendSigned } from './signed-client.ts'

export interface ReadyMadeFlags extends ConnectionFlags {
  readonly print?: boolean
  readonly version?: string
  readonly key?: string
}

export type ReadyMadeName = keyof typeof READY_MADE

const READY_MADE = {
  'https-only': (bucket: string) => httpsOnly(bucket),
  'require-kms': (bucket: string, { key }: ReadyMadeFlags) => requireKms(bucket, keyArn(key)),
  'deny-sse-c': (bucket: string) => denySseC(bucket),
  'min-tls': (bucket: string, { version = '1.3' }: ReadyMadeFlags) => minTls(bucket, tlsVersion(version)),
} as const satisfies Record<string, (bucket: string, flags: ReadyMadeFlags) => readonly PolicyStatement[]>

/** Adds the statements to the bucket's policy, or prints a document of them alone. */
export async function readyMadeCommand(name: ReadyMadeName, bucket: string, flags: ReadyMadeFlags): Promise<number> {
  const statements = READY_MADE[name](bucket, flags)
  if (flags.print) {
    print(withStatements(undefined, statements))
    return EXIT.done
  }
  const connection = await resolveConnection(flags, process.env)
  const policy = withStatements(await getBucketPolicy(connection, bucket), statements)
  const reply = await sendSigned(connection, {
    method: 'PUT',
    path: `/${bucket}`,
    query: 'policy=',
    body: Buffer.from(JSON.stringify(policy)),
  })
  if (reply.status !== 204) throw new Error(errorOf(reply.body))
  print(policy)
  const warnings = reply.headers['x-strongroom-policy-warnings']
  if (warnings !== undefined) process.stderr.write(`warnings: ${String(warnings)}\n`)
  return EXIT.done
}

/** Exit code 1 where there is a warning, 2 where it is no policy. `path` may be `-`. */
export async function lintCommand(
  path: string,
  flags: { readonly bucket?: string; readonly json?: boolean },
): Promise<number> {
  const document = path === '-' ? await text(process.stdin) : await readFile(path, 'utf8')
  let warnings: readonly LintWarning[]
  try {
    const policy = readPolicy(document, 'resource', path)
    const bucket = flags.bucket ?? bucketIn(document)
    validateResourcePolicy(JSON.parse(document) as { Statement: unknown }, { service: 's3', bucket })
    warnings = lintBucketPolicy(policy, { bucket, ownerAccountId: ROOT_ACCOUNT, defaultEncryption: 'AES256' })
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    process.stderr.write(`${path}: ${error.message}\n`)
    return EXIT.usage
  }
  if (flags.json) print(warnings)
  else {
    for (const { code, statement, message, advice } of warnings) {
      process.stdout.write(`${code}${statement === undefined ? '' : ` (${statement})`}: ${message}\n  ${advice}\n`)
    }
    if (warnings.length === 0) process.stdout.write('nothing to warn of\n')
  }
  return warnings.length === 0 ? EXIT.done : EXIT.failed
}

async function getBucketPolicy(to: Connection, bucket: string): Promise<Record<string, unknown> | undefined> {
  const reply = await sendSigned(to, { method: 'GET', path: `/${bucket}`, query: 'policy=' })
  if (reply.status === 200) return JSON.parse(reply.body.toString()) as Record<string, unknown>
  if (reply.body.includes('<Code>NoSuchBucketPolicy</Code>')) return undefined
  throw new Error(errorOf(reply.body))
}

/** The bucket that the policy's first resource names. */
const bucketIn = (document: string) => /"arn:aws:s3:::([^/"*?]+)/.exec(document)?.[1] ?? 'bucket'

const errorOf = (body: Buffer) => {
  const [, code = 'the server refused', message = ''] =
    /<Code>(.*?)<\/Code>\s*<Message>(.*?)<\/Message>/s.exec(body.toString()) ?? []
  return message === '' ? code : `${code}: ${message}`
}

const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)

function keyArn(key: string | undefined): string | undefined {
  if (key !== undefined && !/^arn:aws:kms:[^:]+:\d{12}:key\/.+$/.test(key)) {
    throw new UsageError('--key takes the full ARN of a KMS key')
  }
  return key
}

function tlsVersion(text: string): string {
  if (!/^1\.[23]$/.test(text)) throw new UsageError('--version takes 1.2 or 1.3')
  return text
}
