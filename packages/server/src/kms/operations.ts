/** The KMS operations, one row each: AWS's name, whether it reads only, and what it does. Source: AWS KMS API reference. */
import type { Kms } from '../keys/kms.ts'
import { TRACKED_OPERATIONS } from '../keys/last-usage.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { QUOTA_NAMES } from '../quota/quotas.ts'
import { ALIAS_OPERATIONS } from './alias-operations.ts'
import { ENCRYPTION_OPERATIONS } from './encryption-operations.ts'
import { GRANT_OPERATIONS } from './grant-operations.ts'
import { IMPORT_OPERATIONS } from './import-operations.ts'
import { KEY_OPERATIONS } from './key-operations.ts'
import { KEY_PAIR_OPERATIONS } from './key-pair-operations.ts'
import { KEY_POLICY_OPERATIONS } from './key-policy-operations.ts'
import { MAC_OPERATIONS } from './mac-operations.ts'
import { MULTI_REGION_OPERATIONS } from './multi-region-operations.ts'
import { ROTATION_OPERATIONS } from './rotation-operations.ts'
import { SIGNING_OPERATIONS } from './signing-operations.ts'
import { TAG_OPERATIONS } from './tag-operations.ts'
import { USAGE_OPERATIONS } from './usage-operations.ts'

const ROWS: Readonly<Record<string, ServiceOperation<Kms>>> = {
  ...KEY_OPERATIONS,
  ...ALIAS_OPERATIONS,
  ...ENCRYPTION_OPERATIONS,
  ...KEY_POLICY_OPERATIONS,
  ...GRANT_OPERATIONS,
  ...KEY_PAIR_OPERATIONS,
  ...MAC_OPERATIONS,
  ...ROTATION_OPERATIONS,
  ...SIGNING_OPERATIONS,
  ...IMPORT_OPERATIONS,
  ...MULTI_REGION_OPERATIONS,
  ...TAG_OPERATIONS,
  ...USAGE_OPERATIONS,
  ...Object.fromEntries(
    (
      'ConnectCustomKeyStore CreateCustomKeyStore Decapsulate DeleteCustomKeyStore DescribeCustomKeyStores ' +
      'DisconnectCustomKeyStore Encapsulate UpdateCustomKeyStore'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Describe|Encapsulate$|Decapsulate$)/.test(name) }]),
  ),
}

type Run = NonNullable<ServiceOperation<Kms>['run']>

export const KMS_OPERATIONS: Readonly<Record<string, ServiceOperation<Kms>>> = Object.fromEntries(
  Object.entries(ROWS).map(([name, { run, ...row }]) => [
    name,
    run ? { ...row, run: counted(name, noted(name, run)) } : row,
  ]),
)

/** Uses of a key are counted where its kind is known, every other operation here, against a quota of its own. */
function counted(name: string, run: Run): Run {
  const quota = QUOTA_NAMES.find((candidate) => candidate === name)
  if (!quota) return run
  return async (kms, call, input) => {
    await kms.count(call, quota)
    return run(kms, call, input)
  }
}

/** Uses of a key's material are noted once they have been made, by the keys that the reply names. */
function noted(name: string, run: Run): Run {
  const operation = TRACKED_OPERATIONS.find((candidate) => candidate === name)
  if (!operation) return run
  return async (kms, call, input) => {
    const output = await run(kms, call, input)
    for (const keyArn of [output.KeyId, output.SourceKeyId]) {
      if (typeof keyArn === 'string') kms.lastUsage.note(keyArn, operation, call.requestId)
    }
    return output
  }
}
