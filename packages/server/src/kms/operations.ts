/** The KMS operations, one row each: AWS's name, whether it reads only, and what it does. Source: AWS KMS API reference. */
import type { Kms } from '../keys/kms.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { ALIAS_OPERATIONS } from './alias-operations.ts'
import { ENCRYPTION_OPERATIONS } from './encryption-operations.ts'
import { GRANT_OPERATIONS } from './grant-operations.ts'
import { KEY_OPERATIONS } from './key-operations.ts'
import { KEY_POLICY_OPERATIONS } from './key-policy-operations.ts'
import { MAC_OPERATIONS } from './mac-operations.ts'
import { ROTATION_OPERATIONS } from './rotation-operations.ts'
import { TAG_OPERATIONS } from './tag-operations.ts'

export const KMS_OPERATIONS: Readonly<Record<string, ServiceOperation<Kms>>> = {
  ...KEY_OPERATIONS,
  ...ALIAS_OPERATIONS,
  ...ENCRYPTION_OPERATIONS,
  ...KEY_POLICY_OPERATIONS,
  ...GRANT_OPERATIONS,
  ...MAC_OPERATIONS,
  ...ROTATION_OPERATIONS,
  ...TAG_OPERATIONS,
  ...Object.fromEntries(
    (
      'ConnectCustomKeyStore CreateCustomKeyStore DeleteCustomKeyStore DeleteImportedKeyMaterial ' +
      'DeriveSharedSecret DescribeCustomKeyStores DisconnectCustomKeyStore GenerateDataKeyPair ' +
      'GenerateDataKeyPairWithoutPlaintext GetKeyLastUsage GetParametersForImport GetPublicKey ' +
      'ImportKeyMaterial ReplicateKey Sign UpdateCustomKeyStore UpdatePrimaryRegion Verify'
    )
      .split(' ')
      .map((name) => [name, { readOnly: /^(Get|List|Describe|Generate|Verify|Derive)/.test(name) }]),
  ),
}
