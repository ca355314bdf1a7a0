/** The doors of all services over one opened store; what a worker has once the store key is at hand. */
import { ADMIN_OPERATIONS, ADMIN_PATHS, ADMIN_PROTOCOL, toAdminError } from '../admin/operations.ts'
import type { Refusal } from '../audit/recent-refusals.ts'
import { toTrailError } from '../cloudtrail/errors.ts'
import { CLOUDTRAIL_OPERATIONS } from '../cloudtrail/operations.ts'
import { toCloudWatchError } from '../cloudwatch/errors.ts'
import { CLOUDWATCH_OPERATIONS } from '../cloudwatch/operations.ts'
import { cloudWatchProtocol, MAX_BODY_BYTES } from '../cloudwatch/protocols.ts'
import type { Clock } from '../core/clock.ts'
import type { Door } from '../core/exchange.ts'
import type { Observer, ServiceName, Trail } from '../core/outcome.ts'
import type { Tracer } from '../core/tracing.ts'
import type { AccessLog } from '../delivery/access-log-entry.ts'
import { EXPLAIN_OPERATIONS, EXPLAIN_PATH, EXPLAIN_PROTOCOL } from '../explain/operations.ts'
import { RegionalDoor } from '../http/regional-door.ts'
import { toIamError } from '../iam/errors.ts'
import { IAM_NAMESPACE, IAM_OPERATIONS } from '../iam/operations.ts'
import { Accounts } from '../identity/accounts.ts'
import { type AccessKeyPair, Directory } from '../identity/directory.ts'
import { httpsFetch, OidcKeys } from '../identity/oidc-keys.ts'
import { Sessions } from '../identity/sessions.ts'
import { countKeys } from '../keys/key-limits.ts'
import type { Kms } from '../keys/kms.ts'
import type { KeyUsage } from '../keys/last-usage.ts'
import { toKmsError } from '../kms/errors.ts'
import { KMS_OPERATIONS } from '../kms/operations.ts'
import type { Published } from '../metrics/published-metrics.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import { cloudWatchResource, iamResource, kmsResource, trailResource } from '../protocols/audited-resources.ts'
import { awsJson } from '../protocols/aws-json.ts'
import { awsQuery } from '../protocols/aws-query.ts'
import { toOwnApiError } from '../protocols/own-api.ts'
import { type Output, ServiceDoor } from '../protocols/service-door.ts'
import type { RequestQuota } from '../quota/leased-quota.ts'
import type { QuotaUsage } from '../quota/usage-history.ts'
import { type ExportedStoreKey, StoreKey } from '../root-key/store-key.ts'
import { S3Door } from '../s3/door.ts'
import { toServiceQuotasError } from '../servicequotas/errors.ts'
import { SERVICE_QUOTAS_OPERATIONS } from '../servicequotas/operations.ts'
import type { CommitObserver } from '../storage/lmdb-catalog.ts'
import { toStsError } from '../sts/errors.ts'
import { STS_OPERATIONS, webIdentityNotes } from '../sts/operations.ts'
import { traceStore } from '../telemetry/traced-store.ts'
import { openAuditFolder } from './audit-folder.ts'
import type { Question } from './channel.ts'
import type { Settings } from './settings.ts'
import { openStore, storeSettings } from './store.ts'

const MOST_COUNTED = 1_000_000

/** The key that a reply of the KMS is about. */
function keyArnOf({ KeyId, KeyMetadata, ReplicaKeyMetadata }: Output): string | undefined {
  const metadata = (ReplicaKeyMetadata ?? KeyMetadata) as { readonly Arn: string } | undefined
  return metadata?.Arn ?? (typeof KeyId === 'string' ? KeyId : undefined)
}

export interface ServiceDoorsOptions {
  readonly settings: Settings
  readonly root: AccessKeyPair
  /** PEM; trusted for OpenID Connect providers beside the usual authorities. */
  readonly oidcCa: string | undefined
  readonly observer: Observer
  readonly trail: Trail
  readonly accessLog: AccessLog
  readonly clock: Clock
  readonly onInternalError: (error: unknown, requestId: string) => void
  readonly quota: RequestQuota
  /** What all workers answer, or the primary for them. */
  readonly askAll: (question: Question) => Promise<readonly unknown[]>
  readonly metrics: ServerMetrics
  /** Told how long each commit of the catalog takes. */
  readonly committed: CommitObserver
  /** Undefined: nobody traces. */
  readonly tracer: Tracer | undefined
}

export interface Doors {
  readonly services: Readonly<Partial<Record<ServiceName, Door>>>
  /** Our own, by path. */
  readonly apis: Readonly<Record<string, Door>>
}

export interface ServiceDoors extends Doors {
  /** Throws where the store cannot be read. */
  checkStore(): Promise<void>
  /** Takes the store key as it is now. Resolves when nothing that was sealed before is under way. */
  takeStoreKey(storeKey: ExportedStoreKey): Promise<void>
  /** The last use of a KMS key that this process has noted and not written down. */
  notedUse(keyArn: string): KeyUsage | undefined
  /** Writes down what this process has measured. */
  publish(published: readonly Published[]): Promise<void>
  /** Writes such notes down. */
  flushKeyUsage(): Promise<void>
  close(): Promise<void>
}

export async function openServiceDoors(
  exported: ExportedStoreKey,
  options: ServiceDoorsOptions,
): Promise<ServiceDoors> {
  const { settings, observer, trail, clock, onInternalError } = options
  const { region, file } = settings
  const storeKey = new StoreKey(exported)
  const accounts = new Accounts(file.accounts)
  const sessions = new Sessions(storeKey.derive('session tokens'), clock)
  const store = await openStore({
    dataDir: settings.dataDir,
    storeKey,
    region,
    clock,
    observer,
    trail,
    told: toKmsError,
    quota: options.quota,
    usageElsewhere: async (keyArn) => (await options.askAll({ about: 'key-usage', keyArn })) as readonly KeyUsage[],
    committed: options.committed,
    ...storeSettings(file),
  })
  const audit = await openAuditFolder(settings.dataDir, store.records)
  options.metrics.facts.watch({ keyCaches: store.keyCaches })
  options.metrics.watchCrypto(() => store.cryptoWork.all())
  if (options.tracer) {
    const keyServices = [...store.kmsByRegion.values()].map(({ forS3 }) => forS3)
    traceStore(options.tracer, { ...store, keyServices, catalog: store.records.catalog })
  }
  const directory = new Directory({
    root: options.root,
    configured: file.accounts,
    accounts,
    store: store.identity,
    sessions,
  })

  const common = { observer, trail, clock, onInternalError }
  const s3 = new S3Door({
    services: { ...store, accounts, clock, region },
    directory,
    region,
    domains: [...(settings.domain ? [settings.domain] : []), 's3.localhost'],
    allowSigV2: file.allowSigV2,
    accessLog: options.accessLog,
    ...common,
  })
  const kmsDoor = (ofRegion: string, services: Kms) =>
    new ServiceDoor({
      service: 'kms',
      title: 'AWS KMS',
      protocol: awsJson('TrentService.'),
      operations: KMS_OPERATIONS,
      services,
      authentication: { directory, service: 'kms', region: ofRegion, global: false, clock },
      toError: toKmsError,
      resourceOf: kmsResource,
      notes: (output) => ({ kmsKeyArn: keyArnOf(output) }),
      allowPlainHttp: file.plainHttpServices.includes('kms'),
      ...common,
    })
  const kmsDoors = new Map([...store.kmsByRegion].map(([name, services]) => [name, kmsDoor(name, services)]))
  const kms = new RegionalDoor(kmsDoors, kmsDoors.get(region)!)
  const cloudWatchDoor = (ofRegion: string) =>
    new ServiceDoor({
      service: 'monitoring',
      title: 'Amazon CloudWatch',
      protocol: cloudWatchProtocol,
      maxBodyBytes: MAX_BODY_BYTES,
      operations: CLOUDWATCH_OPERATIONS,
      services: { ...store, clock, serviceQuota: (scope, metric) => store.quotas.ofUsage(scope, metric) },
      authentication: { directory, service: 'monitoring', region: ofRegion, global: false, clock },
      toError: toCloudWatchError,
      resourceOf: cloudWatchResource,
      allowPlainHttp: file.plainHttpServices.includes('monitoring'),
      ...common,
    })
  const cloudWatchDoors = new Map(store.keyRegions.names.map((name) => [name, cloudWatchDoor(name)]))
  const monitoring = new RegionalDoor(cloudWatchDoors, cloudWatchDoors.get(region)!)
  const iam = new ServiceDoor({
    service: 'iam',
    title: 'AWS IAM',
    protocol: awsQuery(IAM_NAMESPACE),
    operations: IAM_OPERATIONS,
    services: { accounts, store: store.identity, clock },
    authentication: { directory, service: 'iam', region, global: true, clock },
    toError: toIamError,
    resourceOf: iamResource,
    allowPlainHttp: file.plainHttpServices.includes('iam'),
    ...common,
  })
  const servicequotas = new ServiceDoor({
    service: 'servicequotas',
    title: 'Service Quotas',
    protocol: awsJson('ServiceQuotasV20190624.'),
    operations: SERVICE_QUOTAS_OPERATIONS,
    services: {
      quotas: store.quotas,
      reports: store.quotaReports,
      clock,
      counts: async (inRegion: string, accountId: string) => ({
        buckets: await store.buckets.count(accountId, MOST_COUNTED),
        keys: await countKeys(store.keyRegions.of(inRegion), accountId, MOST_COUNTED),
      }),
      usage: async (ofRegion: string, accountId: string) =>
        (await options.askAll({ about: 'quota-usage', region: ofRegion, accountId }))[0] as readonly QuotaUsage[],
    },
    authentication: { directory, service: 'servicequotas', region, global: false, clock },
    toError: toServiceQuotasError,
    allowPlainHttp: file.plainHttpServices.includes('servicequotas'),
    ...common,
  })

  const trailDoor = (ofRegion: string) =>
    new ServiceDoor({
      service: 'cloudtrail',
      title: 'AWS CloudTrail',
      protocol: awsJson('com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.', 'CloudTrail_20131101.'),
      operations: CLOUDTRAIL_OPERATIONS,
      services: {
        ...store,
        events: audit.search,
        clock,
        delivery: { buckets: store.buckets, clock, region },
        dataKeys: store.kms.forS3,
        remoteBuckets: new Set(Object.keys(file.cloudtrail.remoteBuckets)),
      },
      authentication: { directory, service: 'cloudtrail', region: ofRegion, global: false, clock },
      toError: toTrailError,
      resourceOf: trailResource,
      allowPlainHttp: file.plainHttpServices.includes('cloudtrail'),
      ...common,
    })
  const trailDoors = new Map(store.keyRegions.names.map((name) => [name, trailDoor(name)]))
  const cloudtrail = new RegionalDoor(trailDoors, trailDoors.get(region)!)

  const oidcKeys = new OidcKeys(httpsFetch(options.oidcCa), clock)
  const sts = new ServiceDoor({
    service: 'sts',
    title: 'AWS STS',
    protocol: awsQuery('https://sts.amazonaws.com/doc/2011-06-15/'),
    operations: STS_OPERATIONS,
    services: { directory, store: store.identity, sessions, keys: oidcKeys, clock },
    authentication: { directory, service: 'sts', region, global: true, clock },
    toError: toStsError,
    resourceOf: iamResource,
    notes: webIdentityNotes,
    allowPlainHttp: file.plainHttpServices.includes('sts'),
    ...common,
  })
  const explain = new ServiceDoor({
    service: 'server',
    title: 'Strongroom',
    protocol: EXPLAIN_PROTOCOL,
    operations: EXPLAIN_OPERATIONS,
    services: {
      ...store,
      accounts,
      clock,
      findRefusal: async (requestId: string) =>
        (await options.askAll({ about: 'refusal', requestId }))[0] as Refusal | undefined,
    },
    authentication: { directory, service: 's3', region, global: false, clock },
    toError: toOwnApiError,
    allowPlainHttp: false,
    ...common,
  })
  const admin = new ServiceDoor({
    service: 'server',
    title: 'Strongroom',
    protocol: ADMIN_PROTOCOL,
    operations: ADMIN_OPERATIONS,
    services: { ...store, events: audit.search, journal: audit.reader },
    authentication: { directory, service: 's3', region, global: false, clock },
    toError: toAdminError,
    allowPlainHttp: false,
    ...common,
  })
  return {
    services: { s3, kms, iam, sts, servicequotas, cloudtrail, monitoring },
    apis: { [EXPLAIN_PATH]: explain, ...Object.fromEntries(ADMIN_PATHS.map((path) => [path, admin])) },
    async checkStore() {
      await store.records.catalog.getMany([Buffer.from('c')])
    },
    takeStoreKey(now) {
      storeKey.update(now)
      return store.records.settled()
    },
    notedUse: (keyArn) => store.kmsByRegion.get(keyArn.split(':')[3]!)?.lastUsage.noted(keyArn),
    async publish(published) {
      for (const { scope, data } of published) await store.metrics.put(scope, data)
    },
    flushKeyUsage: () => store.flushKeyUsage(),
    async close() {
      await audit.close()
      await store.close()
    },
  }
}
