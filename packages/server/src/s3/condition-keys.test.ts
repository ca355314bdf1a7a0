import { expect, test } from 'vitest'
import { KMS_KEYS } from '../keys/condition-keys.ts'
import type { KeyTable } from '../policy/condition-keys.ts'
import { GLOBAL_CONDITION_KEYS, hasKey, SERVICES } from '../policy/reference/service-reference.ts'
import { S3_KEYS } from './condition-keys.ts'

/** Policies with a key that is not in the reference are refused, so what is computed beyond it could never be asked for. */
test.each<[string, KeyTable<never>, ReadonlySet<string>]>([
  ['s3', S3_KEYS, SERVICES.get('s3')!.conditionKeys],
  ['kms', KMS_KEYS, SERVICES.get('kms')!.conditionKeys],
])('every condition key of %s that is computed is in the reference', (_, table, reference) => {
  const computed = [...Object.keys(table.keys), ...Object.keys(table.families).map((family) => `${family}any`)]
  const known = (key: string) => hasKey(reference, key) || hasKey(GLOBAL_CONDITION_KEYS, key)
  expect(computed.filter((key) => !known(key))).toEqual([])
})
