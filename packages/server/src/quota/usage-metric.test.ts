import { expect, test } from 'vitest'
import { QUOTA_NAMES, quotaOf } from './quotas.ts'
import { quotaOfUsage, usageResource } from './usage-metric.ts'

test('a request quota is found again by the resource that its calls are counted under', () => {
  expect(usageResource('symmetric')).toBe('CryptographicOperationsSymmetric')
  expect(usageResource('CreateKey')).toBe('CreateKey')
  for (const name of QUOTA_NAMES) expect(quotaOfUsage(usageResource(name))).toBe(quotaOf(name).rate ? name : undefined)
  expect(quotaOfUsage('symmetric')).toBeUndefined()
})
