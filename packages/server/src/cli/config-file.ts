/** The shape of the configuration file (YAML or JSON), validated to the letter: an unknown setting is an error. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { isActionArn } from '../alarms/alarm-arn.ts'
import { OBJECT_OWNERSHIPS } from '../objects/records.ts'
import { QUOTA_NAMES, type QuotaName } from '../quota/quotas.ts'
import { ConfigurationError } from './exit.ts'

export const REGION = /^[a-z]{2,}(-[a-z0-9]+)+$/

const accountId = z.string().regex(/^\d{12}$/, 'an account id is 12 digits, in quotes')

const user = z.strictObject({
  name: z.string().regex(/^[\w+=,.@-]{1,64}$/, 'a user name is 1 to 64 letters, digits or any of +=,.@_-'),
  accessKeyId: z.string().min(3).max(128),
  secretAccessKey: z.string().min(1),
  root: z.boolean().default(false),
  policies: z.array(z.string().regex(/^arn:aws:iam::/, 'a managed policy is named by its ARN')).default([]),
})

const account = z.strictObject({
  id: accountId,
  displayName: z.string().optional(),
  canonicalId: z.string().min(1).optional(),
  email: z.string().optional(),
  users: z.array(user).default([]),
})

const configuredKey = z.strictObject({
  account: accountId,
  keyId: z.string().min(1).max(256),
  alias: z
    .string()
    .regex(/^alias\/[a-zA-Z0-9/_-]+$/)
    .optional(),
})

const quotaValues = z.partialRecord(z.enum(QUOTA_NAMES as [QuotaName, ...QuotaName[]]), z.number().min(0).max(1e10))

/** Where an action of alarms leads. Notifications tell of what goes on, so they go over TLS unless they stay on the machine. */
const webhook = z.strictObject({
  arn: z.string().refine(isActionArn, 'is no ARN that an alarm can have as an action'),
  url: z.string().refine(isWebhookUrl, 'is no https URL; http is for loopback addresses only'),
  caFile: z.string().optional(),
})

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}

const rootKeyFacts = z.strictObject({
  /** Ends the program where the root key cannot be had, and does not wait for it. */
  required: z.boolean().default(false),
  file: z.string().optional(),
  variable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'the name of a variable')
    .optional(),
  passphraseFile: z.string().optional(),
  pkcs11: z
    .strictObject({ module: z.string(), token: z.string(), key: z.string(), pinFile: z.string().optional() })
    .optional(),
  awsKms: z
    .strictObject({
      keyId: z.string(),
      region: z.string().default('us-east-1'),
      endpoint: z.string().optional(),
      caFile: z.string().optional(),
      credentialsFile: z.string().optional(),
      profile: z.string().optional(),
    })
    .optional(),
  vaultTransit: z
    .strictObject({
      address: z.string(),
      mount: z.string().default('transit'),
      key: z.string(),
      namespace: z.string().optional(),
      caFile: z.string().optional(),
      tokenFile: z.string().optional(),
    })
    .optional(),
})

const retention = (days: number, maxGiB: number) =>
  z
    .strictObject({
      days: z.number().int().min(1).max(36_500).default(days),
      maxBytes: z
        .number()
        .int()
        .min(1024 * 1024)
        .default(maxGiB * 1024 ** 3),
    })
    .prefault({})

/** Who keeps the root key (docs/root-key.md). */
const rootKey = rootKeyFacts.refine(
  ({ required: _, ...kinds }) => Object.values(kinds).filter((kind) => kind !== undefined).length <= 1,
  'names more than one place for the root key',
)
export type RootKeySettings = z.output<typeof rootKey>

const remoteBucket = z.strictObject({
  endpoint: z.string().regex(/^https?:\/\/[^/]+\/?$/, 'an endpoint is a URL without a path'),
  region: z.string().default('us-east-1'),
  credentialsFile: z.string(),
  profile: z.string().default('default'),
  caFile: z.string().optional(),
})
export type RemoteBucketSettings = z.output<typeof remoteBucket>
const metrics = z
  .strictObject({
    /** How often the storage metrics of buckets are taken. */
    storageSeconds: z.number().min(0.1).max(86_400).default(86_400),
    // Who may read `/-/metrics` (docs/operations.md).
    token: z.string().min(1).optional(),
    tokenFile: z.string().optional(),
    /** To anybody, and not only to who asks from this machine. */
    open: z.boolean().default(false),
  })
  .refine(
    ({ token, tokenFile, open }) => [token !== undefined, tokenFile !== undefined, open].filter(Boolean).length <= 1,
    'takes one of token, tokenFile and open',
  )

/** Where traces and metrics are sent. */
const otlp = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/, error: 'an endpoint is a URL such as http://collector:4318' }),
  headersFile: z.string().optional(),
  traces: z.boolean().default(true),
  metrics: z.boolean().default(true),
  sampleRatio: z.number().min(0).max(1).default(1),
  metricsSeconds: z.number().min(1).max(3600).default(60),
})

export const configFile = z.strictObject({
  data: z.string().optional(),
  secrets: z.string().optional(),
  http: z.string().optional(),
  https: z.string().optional(),
  tlsCert: z.string().optional(),
  tlsKey: z.string().optional(),
  region: z.string().optional(),
  workers: z.number().int().min(1).max(256).optional(),
  domain: z.string().optional(),
  accounts: z.array(account).default([]),
  kms: z
    .strictObject({
      keys: z.array(configuredKey).default([]),
      /** Besides the server's own. */
      regions: z.array(z.string().regex(REGION, 'a region has a name such as eu-west-1')).default([]),
      quotaProfile: z.union([z.enum(['current', 'notes', 'unlimited']), quotaValues]).default('current'),
    })
    .prefault({}),
  /** Up to which value a quota increase is approved by itself. */
  approveQuotasUpTo: quotaValues.default({}),
  newBuckets: z
    .strictObject({
      blockPublicAccess: z.boolean().default(true),
      objectOwnership: z.enum(OBJECT_OWNERSHIPS).default('BucketOwnerEnforced'),
    })
    .prefault({}),
  blockedEncryptionTypes: z.array(z.literal('SSE-C')).default([]),
  allowSigV2: z.boolean().default(true),
  cloudtrail: z
    .strictObject({
      deliverySeconds: z.number().int().min(1).max(86_400).default(300),
      digestSeconds: z.number().int().min(1).max(86_400).default(3_600),
      /** Buckets of another S3, by name. */
      remoteBuckets: z.record(z.string(), remoteBucket).default({}),
    })
    .prefault({}),
  trustedProxies: z.array(z.string()).default([]),
  plainHttpServices: z.array(z.enum(['kms', 'sts', 'iam', 'servicequotas', 'cloudtrail', 'monitoring'])).default([]),
  audit: z
    .strictObject({
      /** Whether events on objects are recorded; those of the KMS and of management always are. */
      dataEvents: z.boolean().default(true),
      /** For how long records are kept, and on how much disk at most. */
      retention: z
        .strictObject({ management: retention(90, 16), data: retention(30, 16), access: retention(7, 4) })
        .prefault({}),
    })
    .prefault({}),
  /** How long a line of an access log may wait for its delivery. */
  accessLogs: z.strictObject({ deliverySeconds: z.number().min(0.1).max(86_400).default(300) }).prefault({}),
  alarms: z.strictObject({ webhooks: z.array(webhook).default([]) }).prefault({}),
  oidc: z.strictObject({ caFile: z.string().optional() }).prefault({}),
  rootKey: rootKey.prefault({}),
  metrics: metrics.prefault({}),
  otlp: otlp.optional(),
  log: z
    .strictObject({ level: z.enum(['silent', 'error', 'warn', 'info']).default('info'), file: z.string().optional() })
    .prefault({}),
})

export type ConfigFile = z.output<typeof configFile>

/** Reads and validates `path`; the empty configuration where no path is given. Throws ConfigurationError. */
export async function readConfigFile(path: string | undefined): Promise<ConfigFile> {
  if (path === undefined) return configFile.parse({})
  let document: unknown
  try {
    document = parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new ConfigurationError(`cannot read ${path}: ${(error as Error).message}`)
  }
  const result = configFile.safeParse(document ?? {})
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => `  ${issue.path.join('.') || '(top)'}: ${issue.message}`)
  throw new ConfigurationError(`${path} is not a valid configuration:\n${problems.join('\n')}`)
}
