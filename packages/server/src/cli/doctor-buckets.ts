/** What `doctor` says of the buckets of all accounts: which of them plain HTTP can reach, and what their policies get wrong. */
import { bucketPolicy } from '../objects/bucket-policy.ts'
import { bucketRecord } from '../objects/records.ts'
import { allowsHttp, lintBucketPolicy } from '../policy/lint.ts'
import { ALL_NAMES, eachRecord } from '../records/each-record.ts'
import { RecordStore } from '../records/record-store.ts'
import type { StoreKey } from '../root-key/store-key.ts'
import { LmdbCatalog } from '../storage/lmdb-catalog.ts'
import { dataFolder } from './data-folder.ts'
import type { Finding } from './doctor-checks.ts'
import type { Settings } from './settings.ts'

export async function bucketFindings({ dataDir }: Settings, storeKey: StoreKey): Promise<Finding[]> {
  const findings: Finding[] = []
  // Several processes may have the catalog open, so this needs no lock.
  const catalog = await LmdbCatalog.open(dataFolder(dataDir).catalogDir)
  try {
    const records = new RecordStore(catalog, storeKey.derive('records'))
    const damaged = (message: string) => findings.push({ severity: 'error', about: 'catalog', message })
    for await (const { name, value } of eachRecord(records, bucketRecord, ALL_NAMES, damaged)) {
      const bucket = Buffer.from(name).toString()
      const about = `bucket ${bucket}`
      const policy = bucketPolicy(value, bucket)
      if (allowsHttp(policy, bucket)) {
        findings.push({
          severity: 'warning',
          about,
          message: 'its policy allows requests over plain HTTP',
          advice: `strongroom policy https-only ${bucket}`,
        })
      }
      if (!policy) continue
      const facts = { bucket, ownerAccountId: value.accountId, defaultEncryption: value.encryption.algorithm }
      for (const { code, statement, message, advice } of lintBucketPolicy(policy, facts)) {
        const where = statement === undefined ? code : `${code}, ${statement}`
        findings.push({ severity: 'warning', about: `${about} (${where})`, message, advice })
      }
    }
  } finally {
    await catalog.close()
  }
  return findings
}
