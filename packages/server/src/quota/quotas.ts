/**
 * The quotas that there are, one row each, and their defaults. Sources: KMS developer guide, "Request quotas" and
 * "Resource quotas", of today and of 2019 to 2022; AWS General Reference, "Amazon S3 endpoints and quotas".
 * Where no public source tells AWS's code of a quota, the code is one of ours and says so by its beginning, `SR-`.
 */

/** One value for every Region, or one for most, one for the middle ones and one for the largest. */
type Default = number | readonly [most: number, middle: number, largest: number]

export interface Quota {
  readonly service: 'kms' | 's3'
  readonly code: string
  /** As Service Quotas calls it. */
  readonly title: string
  /** Set where it is a rate: a number of calls in each second. */
  readonly rate?: true
  readonly current: Default
  /** Between December 2019 and April 2022, where it was another. */
  readonly notes?: Default
  /** Whether it is one for all Regions. */
  readonly global?: true
  readonly description: string
}

const LARGEST = ['us-east-1', 'us-west-2', 'eu-west-1']
const MIDDLE = ['us-east-2', 'ap-southeast-1', 'ap-southeast-2', 'ap-northeast-1', 'eu-central-1', 'eu-west-2']

/** Regions with the same quotas; the last group is all others, by a name that is no Region's. */
export const REGION_GROUPS: readonly (readonly string[])[] = [LARGEST, MIDDLE, ['other Regions']]

/** A rate that several operations share. */
const shared = (code: string, title: string, current: Default, notes: Default, operations: string): Quota => ({
  ...{ service: 'kms', code, title: `${title} request rate`, rate: true, current, notes },
  description:
    `Maximum requests for ${title[0]!.toLowerCase()}${title.slice(1)} per second. This shared quota applies to ` +
    `${operations} requests. When you reach this quota, KMS rejects this type of request for the remainder of the interval.`,
})

/** A rate of one operation. */
const own = (operation: string, code: string | undefined, current: Default, notes = current): Quota => ({
  ...{
    service: 'kms',
    code: code ?? `SR-${operation}`,
    title: `${operation} request rate`,
    rate: true,
    current,
    notes,
  },
  description:
    `Maximum ${operation} requests per second. When you reach this quota, KMS rejects this type of request for the ` +
    `remainder of the interval.`,
})

const dataKeyPair = (spec: string, code: string | undefined, current: number, notes: number): Quota => ({
  ...own(`GenerateDataKeyPair (${spec})`, code ?? `SR-GenerateDataKeyPair-${spec}`, current, notes),
})

/** What counts against the symmetric quota, unless the key is of another kind. */
export const SYMMETRIC_OPERATIONS: readonly string[] =
  'Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom ReEncrypt VerifyMac'.split(
    ' ',
  )

/** A number of things. */
const resource = (code: string, title: string, current: number, what: string): Quota => ({
  ...{ service: 'kms', code, title, current, description: `The number of ${what}` },
})

export const QUOTAS = {
  symmetric: shared(
    'L-6E3AF000',
    'Cryptographic operations (symmetric)',
    [10_000, 20_000, 100_000],
    [5_500, 10_000, 30_000],
    new Intl.ListFormat('en').format(SYMMETRIC_OPERATIONS),
  ),
  rsa: shared(
    'L-2AC98190',
    'Cryptographic operations (RSA)',
    1000,
    500,
    'Decrypt, Encrypt, ReEncrypt, Sign, and Verify',
  ),
  ecc: shared('L-DC14942D', 'Cryptographic operations (ECC)', 1000, 300, 'DeriveSharedSecret, Sign, and Verify'),
  mlDsa: shared('SR-MlDsa', 'Cryptographic operations (ML-DSA)', 1000, 1000, 'Sign and Verify'),

  GenerateDataKeyPair_RSA_2048: dataKeyPair('RSA_2048', undefined, 20, 1),
  GenerateDataKeyPair_RSA_3072: dataKeyPair('RSA_3072', undefined, 4, 0.5),
  GenerateDataKeyPair_RSA_4096: dataKeyPair('RSA_4096', undefined, 1, 0.1),
  GenerateDataKeyPair_ECC_NIST_P256: dataKeyPair('ECC_NIST_P256', 'L-D2EEB5E0', 100, 25),
  GenerateDataKeyPair_ECC_NIST_P384: dataKeyPair('ECC_NIST_P384', 'L-16B46EF0', 100, 10),
  GenerateDataKeyPair_ECC_NIST_P521: dataKeyPair('ECC_NIST_P521', 'L-1D966DA0', 100, 5),
  GenerateDataKeyPair_ECC_SECG_P256K1: dataKeyPair('ECC_SECG_P256K1', undefined, 100, 25),
  GenerateDataKeyPair_ECC_NIST_EDWARDS25519: dataKeyPair('ECC_NIST_EDWARDS25519', undefined, 100, 100),

  CancelKeyDeletion: own('CancelKeyDeletion', 'L-635264CC', 5),
  CreateAlias: own('CreateAlias', 'L-F7504F73', 5),
  CreateGrant: own('CreateGrant', 'L-0428A42E', 50),
  CreateKey: own('CreateKey', 'L-32B67F4A', 5),
  DeleteAlias: own('DeleteAlias', 'L-1F75ADD1', 15, 5),
  DeleteImportedKeyMaterial: own('DeleteImportedKeyMaterial', 'L-1233BF9B', 15, 5),
  DescribeKey: own('DescribeKey', 'L-FAE8F084', 2000),
  DisableKey: own('DisableKey', 'L-6B8C93BD', 5),
  DisableKeyRotation: own('DisableKeyRotation', 'L-CE1DB614', 5),
  EnableKey: own('EnableKey', 'L-BD96F100', 5),
  EnableKeyRotation: own('EnableKeyRotation', 'L-BE799B67', 15, 5),
  GetKeyLastUsage: own('GetKeyLastUsage', undefined, 5),
  GetKeyPolicy: own('GetKeyPolicy', undefined, 1000),
  GetKeyRotationStatus: own('GetKeyRotationStatus', undefined, 1000),
  GetParametersForImport: own('GetParametersForImport', undefined, 1, 0.25),
  GetPublicKey: own('GetPublicKey', undefined, 2000),
  ImportKeyMaterial: own('ImportKeyMaterial', undefined, 15, 5),
  ListAliases: own('ListAliases', undefined, 500),
  ListGrants: own('ListGrants', undefined, 100),
  ListKeyPolicies: own('ListKeyPolicies', undefined, 100),
  ListKeyRotations: own('ListKeyRotations', undefined, 100),
  ListKeys: own('ListKeys', undefined, 500),
  ListResourceTags: own('ListResourceTags', undefined, 2000),
  ListRetirableGrants: own('ListRetirableGrants', undefined, 100),
  PutKeyPolicy: own('PutKeyPolicy', undefined, 15),
  ReplicateKey: own('ReplicateKey', undefined, 5),
  RetireGrant: own('RetireGrant', undefined, 50, 30),
  RevokeGrant: own('RevokeGrant', undefined, 50, 30),
  RotateKeyOnDemand: own('RotateKeyOnDemand', undefined, 5),
  ScheduleKeyDeletion: own('ScheduleKeyDeletion', undefined, 15),
  TagResource: own('TagResource', undefined, 10),
  UntagResource: own('UntagResource', undefined, 5),
  UpdateAlias: own('UpdateAlias', undefined, 5),
  UpdateKeyDescription: own('UpdateKeyDescription', undefined, 5),
  UpdatePrimaryRegion: own('UpdatePrimaryRegion', undefined, 5),

  keys: resource(
    'L-C2F1777E',
    'Customer Master Keys (CMKs)',
    100_000,
    'KMS keys that an account can have in a Region.',
  ),
  aliasesPerKey: resource('L-340F62FB', 'Aliases per CMK', 50, 'aliases that a KMS key can have.'),
  grantsPerKey: resource('L-D594A657', 'Grants per CMK', 50_000, 'grants that a KMS key can have.'),

  buckets: {
    ...{
      service: 's3',
      code: 'L-DC2B2D3D',
      title: 'General purpose buckets',
      current: 10_000,
      notes: 100,
      global: true,
    },
    description: 'The number of Amazon S3 general purpose buckets that you can create in an account.',
  },
} as const satisfies Readonly<Record<string, Quota>>

export type QuotaName = keyof typeof QUOTAS
export const QUOTA_NAMES = Object.keys(QUOTAS) as readonly QuotaName[]
export const isQuotaName = (name: string): name is QuotaName => Object.hasOwn(QUOTAS, name)
export const quotaOf = (name: QuotaName): Quota => QUOTAS[name]

/** Which defaults an account begins with; a table overrides the current ones, and where it says 0 nothing is let through. */
export type QuotaProfile = 'current' | 'notes' | 'unlimited' | Readonly<Partial<Record<QuotaName, number>>>

/** The default of a quota in a Region: calls in a second, or a number of things. Infinite where there is no limit. */
export function defaultQuota(name: QuotaName, profile: QuotaProfile, region: string): number {
  const quota = quotaOf(name)
  if (profile === 'unlimited') return quota.rate ? Number.POSITIVE_INFINITY : inRegion(quota.current, region)
  if (profile === 'notes') return inRegion(quota.notes ?? quota.current, region)
  if (profile === 'current') return inRegion(quota.current, region)
  return profile[name] ?? inRegion(quota.current, region)
}

function inRegion(value: Default, region: string): number {
  if (typeof value === 'number') return value
  const [most, middle, largest] = value
  return LARGEST.includes(region) ? largest : MIDDLE.includes(region) ? middle : most
}
