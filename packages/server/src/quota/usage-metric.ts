/** Under which resource calls against a quota are counted in CloudWatch's `AWS/Usage` (KMS developer guide, "Monitoring quotas"). */
import { QUOTA_NAMES, type QuotaName, quotaOf } from './quotas.ts'

const SHARED: Readonly<Partial<Record<QuotaName, string>>> = {
  symmetric: 'CryptographicOperationsSymmetric',
  rsa: 'CryptographicOperationsRsa',
  ecc: 'CryptographicOperationsEcc',
  mlDsa: 'CryptographicOperationsMlDsa',
}

/** The metric's dimension `Resource`. */
export const usageResource = (name: QuotaName): string => SHARED[name] ?? name

/** The other dimensions of a KMS call's metric. */
export const USAGE_DIMENSIONS = { Service: 'KMS', Type: 'API', Class: 'None' } as const

const QUOTA_OF_RESOURCE: ReadonlyMap<string, QuotaName> = new Map(
  QUOTA_NAMES.filter((name) => quotaOf(name).rate).map((name) => [usageResource(name), name]),
)

/** The request quota whose calls are counted under this resource. */
export const quotaOfUsage = (resource: string): QuotaName | undefined => QUOTA_OF_RESOURCE.get(resource)

/** The request quota that a metric counts against; undefined where it is no usage metric of one. */
export function quotaOfUsageMetric(metric: {
  readonly namespace: string
  readonly name: string
  readonly dimensions: readonly { readonly name: string; readonly value: string }[]
}): QuotaName | undefined {
  if (metric.namespace !== 'AWS/Usage' || metric.name !== 'CallCount') return undefined
  const { Resource, ...rest } = Object.fromEntries(metric.dimensions.map(({ name, value }) => [name, value]))
  const wanted = Object.entries(USAGE_DIMENSIONS)
  const isOfKms = Object.keys(rest).length === wanted.length && wanted.every(([name, value]) => rest[name] === value)
  return isOfKms && Resource !== undefined ? quotaOfUsage(Resource) : undefined
}
