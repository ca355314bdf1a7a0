/** The IAM operations, one row each. Source: AWS IAM API reference, version 2010-05-08. */
import type { ServiceOperation } from '../protocols/service-door.ts'
import { authorised, type IamOperations } from './operation.ts'
import { ACCESS_KEY_OPERATIONS } from './operations/access-keys.ts'
import { ACCOUNT_OPERATIONS } from './operations/account.ts'
import { ATTACHMENT_OPERATIONS } from './operations/attachments.ts'
import { GROUP_OPERATIONS } from './operations/groups.ts'
import { INLINE_POLICY_OPERATIONS } from './operations/inline-policies.ts'
import { MANAGED_POLICY_OPERATIONS } from './operations/managed-policies.ts'
import { OIDC_PROVIDER_OPERATIONS } from './operations/oidc-providers.ts'
import { REFUSED_OPERATIONS } from './operations/refused.ts'
import { ROLE_OPERATIONS } from './operations/roles.ts'
import { SIMULATION_OPERATIONS } from './operations/simulate.ts'
import { TAG_OPERATIONS } from './operations/tags.ts'
import { USER_OPERATIONS } from './operations/users.ts'
import type { IamServices } from './services.ts'

const SUPPORTED: IamOperations = {
  ...USER_OPERATIONS,
  ...GROUP_OPERATIONS,
  ...ROLE_OPERATIONS,
  ...ACCESS_KEY_OPERATIONS,
  ...INLINE_POLICY_OPERATIONS,
  ...ATTACHMENT_OPERATIONS,
  ...MANAGED_POLICY_OPERATIONS,
  ...TAG_OPERATIONS,
  ...OIDC_PROVIDER_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
  ...SIMULATION_OPERATIONS,
}

export const IAM_OPERATIONS: Readonly<Record<string, ServiceOperation<IamServices>>> = {
  ...REFUSED_OPERATIONS,
  ...Object.fromEntries(Object.entries(SUPPORTED).map(([name, row]) => [name, authorised(name, row)])),
}

export const IAM_NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'
