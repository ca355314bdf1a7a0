/** Opens a data folder's stores and the services on them; what a worker, fsck and the sweep have in common. */
import { Alarms } from '../alarms/alarms.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Observer, Trail } from '../core/outcome.ts'
import { addedCounts, type CacheCounts } from '../core/recent.ts'
import { Dashboards } from '../dashboards/dashboards.ts'
import { IdentityStore } from '../identity/identity-store.ts'
import { KeyRegions } from '../keys/key-regions.ts'
import { Kms, type KmsOptions } from '../keys/kms.ts'
import { MaterialSecretFiles } from '../keys/material-secrets.ts'
import { StoredServiceKeys } from '../keys/service-keys.ts'
import { toKmsError } from '../kms/errors.ts'
import { AppliedQuotas, type AppliedQuotasOptions } from '../limits/applied-quotas.ts'
import { UtilizationReports } from '../limits/utilization-reports.ts'
import { SeriesStore, type Shortage } from '../metrics/series-store.ts'
import { Buckets, type NewBuckets } from '../objects/buckets.ts'
import { ContentReader } from '../objects/content-reader.ts'
import { ContentWriter } from '../objects/content-writer.ts'
import { CryptoWork } from '../objects/crypto-work.ts'
import { EncryptionChanges } from '../objects/encryption-change.ts'
import { Listing } from '../objects/listing.ts'
import { Multipart } from '../objects/multipart.ts'
import { ObjectAcls } from '../objects/object-acls.ts'
import { ObjectAttributes } from '../objects/object-attributes.ts'
import { ObjectLocks } from '../objects/object-locks.ts'
import { Objects } from '../objects/objects.ts'
import { Protector } from '../objects/protection.ts'
import { inlineContent, names } from '../objects/records.ts'
import { Tagging } from '../objects/tagging.ts'
import { VersionStore } from '../objects/version-store.ts'
import { type RequestQuota, uncounted } from '../quota/leased-quota.ts'
import { RecordStore } from '../records/record-store.ts'
import type { KeyRing } from '../root-key/key-ring.ts'
import type { StoreKey } from '../root-key/store-key.ts'
import { FileBlobStore } from '../storage/file-blobs.ts'
import { type CommitObserver, LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { DigestKeys } from '../trails/digest-keys.ts'
import { Trails } from '../trails/trails.ts'
import type { ConfigFile } from './config-file.ts'
import { dataFolder } from './data-folder.ts'
import type { Settings } from './settings.ts'

export interface StoreOptions {
  readonly dataDir: string
  readonly storeKey: StoreKey
  readonly region: string
  readonly clock: Clock
  readonly observer: Observer
  /** Undefined: nothing is kept on record. */
  readonly trail?: Trail
  /** What the KMS tells of an error, where S3 calls it. */
  readonly told?: KmsOptions['told']
  /** Counts the calls of the KMS. */
  readonly quota: RequestQuota
  readonly newBuckets: NewBuckets
  readonly quotas: Pick<AppliedQuotasOptions, 'profile' | 'approveUpTo'>
  /** In which the KMS answers besides `region`. */
  readonly kmsRegions: readonly string[]
  /** Told how long each commit of the catalog takes. */
  readonly committed?: CommitObserver
  /** Told when data of metrics had to go before its time. */
  readonly onMetricShortage?: (shortage: Shortage) => void
  /** Set where there are other processes that use keys. */
  readonly usageElsewhere?: KmsOptions['usageElsewhere']
}

/** What of the configuration the stores need. */
export const storeSettings = (file: ConfigFile): Pick<StoreOptions, 'newBuckets' | 'quotas' | 'kmsRegions'> => ({
  newBuckets: { ...file.newBuckets, blockedEncryptionTypes: file.blockedEncryptionTypes },
  quotas: { profile: file.kms.quotaProfile, approveUpTo: file.approveQuotasUpTo },
  kmsRegions: file.kms.regions,
})

export type Store = Awaited<ReturnType<typeof openStore>>

/** For what the program does for itself, not for a caller: nothing of it is counted, and nobody is told but who is named. */
export const openForUpkeep = (
  settings: Settings,
  ring: KeyRing,
  told: Pick<StoreOptions, 'trail' | 'committed' | 'onMetricShortage'> = {},
): Promise<Store> =>
  openStore({
    ...settings,
    storeKey: ring.storeKey(),
    clock: systemClock,
    observer: { observe() {} },
    ...told,
    ...(told.trail && { told: toKmsError }),
    quota: uncounted(systemClock),
    ...storeSettings(settings.file),
  })

export async function openStore(options: StoreOptions) {
  const { storeKey, region, clock, observer, quota } = options
  const folder = dataFolder(options.dataDir)
  const catalog = await LmdbCatalog.open(folder.catalogDir, options.committed)
  const metricCatalog = await LmdbCatalog.open(folder.metricsDir)
  const blobs = await FileBlobStore.open(folder.blobsDir)
  const records = new RecordStore(catalog, storeKey.derive('records'))
  const quotas = new AppliedQuotas({ records, clock, ...options.quotas })
  const keyRegions = new KeyRegions(records, region, options.kmsRegions)
  const { usageElsewhere } = options
  const secrets = new MaterialSecretFiles(folder.keySecretsDir)
  const common = {
    regions: keyRegions,
    limits: quotas,
    storeKey,
    secrets,
    clock,
    observer,
    quota,
    ...(usageElsewhere && { usageElsewhere }),
    ...(options.trail && { trail: options.trail }),
    ...(options.told && { told: options.told }),
  }
  const kmsByRegion = new Map(
    keyRegions.names.map((one) => [one, new Kms({ ...common, records: keyRegions.of(one), region: one })]),
  )
  const kms = kmsByRegion.get(region)!
  const serviceKeys = new StoredServiceKeys(records, storeKey, clock)
  const protector = new Protector(kms.forS3, serviceKeys, clock)
  const cryptoWork = new CryptoWork()
  const reader = new ContentReader(blobs, (id) => records.getBytes(inlineContent, names.inline(id)), cryptoWork)
  const writer = new ContentWriter(blobs, cryptoWork)
  const versions = new VersionStore(records, clock)
  const objects = new Objects({ records, protector, writer, reader, clock, versions })
  const buckets = new Buckets({ records, clock, quotas, newBuckets: options.newBuckets })
  return {
    region,
    storeKey,
    records,
    blobs,
    /** Of the server's own region, which S3 uses. */
    kms,
    kmsByRegion,
    keyRegions,
    materialSecrets: secrets,
    serviceKeys,
    quotas,
    quotaReports: new UtilizationReports(records, clock),
    /** All that is wrapped under the store key itself, beside the records. */
    rewraps: [kms.rewrap, serviceKeys.rewrap],
    identity: new IdentityStore(records),
    protector,
    versions,
    reader,
    writer,
    cryptoWork,
    buckets,
    listing: new Listing(records, buckets),
    objects,
    encryptionChanges: new EncryptionChanges({ records, blobs, protector, writer, reader, clock }),
    acls: new ObjectAcls(records, clock),
    attributes: new ObjectAttributes({ records, protector, versions }),
    objectLocks: new ObjectLocks(records, clock),
    tagging: new Tagging(records, clock),
    trails: new Trails(records, clock),
    digestKeys: new DigestKeys(records, clock),
    multipart: new Multipart({ records, protector, writer, objects, clock }),
    /** How often opened keys were at hand, by what they are for. */
    keyCaches: (): Readonly<Record<string, CacheCounts>> => ({
      'kms-material': addedCounts([...kmsByRegion.values()].map(({ cacheCounts }) => cacheCounts)),
      'bucket-key': protector.bucketKeyCounts,
      'service-data-key': serviceKeys.cacheCounts,
    }),
    metrics: new SeriesStore({
      catalog: metricCatalog,
      clock,
      ...(options.onMetricShortage && { onShortage: options.onMetricShortage }),
    }),
    alarms: new Alarms(records, clock),
    dashboards: new Dashboards(records, clock),
    /** Writes down what this process has noted of the uses of keys. */
    async flushKeyUsage() {
      for (const { lastUsage } of kmsByRegion.values()) await lastUsage.flush()
    },
    async close() {
      await catalog.close()
      await metricCatalog.close()
      await blobs.close()
    },
  }
}
