import { expect, test } from 'vitest'
import { KMS_OPERATIONS } from '../kms/operations.ts'
import { defaultQuota, QUOTA_NAMES, type QuotaName, type QuotaProfile, quotaOf } from './quotas.ts'

const CASES: readonly (readonly [QuotaName, QuotaProfile, region: string, calls: number])[] = [
  ['symmetric', 'notes', 'us-east-1', 30_000],
  ['symmetric', 'notes', 'eu-central-1', 10_000],
  ['symmetric', 'notes', 'ca-central-1', 5_500],
  ['symmetric', 'current', 'us-east-1', 100_000],
  ['symmetric', 'current', 'eu-west-2', 20_000],
  ['symmetric', 'current', 'ca-west-1', 10_000],
  ['symmetric', 'unlimited', 'us-east-1', Number.POSITIVE_INFINITY],
  ['symmetric', { symmetric: 20 }, 'us-east-1', 20],
  ['symmetric', { symmetric: 0 }, 'us-east-1', 0],
  ['rsa', { symmetric: 20 }, 'us-east-1', 1000],
  ['rsa', 'notes', 'us-east-1', 500],
  ['ecc', 'notes', 'us-east-1', 300],
  ['CreateKey', 'current', 'us-east-1', 5],
  ['GenerateDataKeyPair_RSA_3072', 'notes', 'us-east-1', 0.5],
  ['buckets', 'current', 'us-east-1', 10_000],
  ['buckets', 'unlimited', 'us-east-1', 10_000],
]
test.each(CASES)('%s by profile %j in %s: %d', (name, profile, region, calls) => {
  expect(defaultQuota(name, profile, region)).toBe(calls)
})

test('no two quotas of a service have one code', () => {
  const codes = QUOTA_NAMES.map((name) => `${quotaOf(name).service}/${quotaOf(name).code}`)
  expect(new Set(codes).size).toBe(codes.length)
})

/** They use material, and count by the kind of key. */
const COUNTED_BY_KEY = [
  'Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac VerifyMac GenerateRandom',
  'Sign Verify DeriveSharedSecret GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext',
]
  .join(' ')
  .split(' ')
test('every operation of the KMS that works counts against a quota', () => {
  const works = Object.entries(KMS_OPERATIONS).flatMap(([name, { run }]) => (run ? [name] : []))
  expect(works.filter((name) => !COUNTED_BY_KEY.includes(name) && !QUOTA_NAMES.some((one) => one === name))).toEqual([])
})
