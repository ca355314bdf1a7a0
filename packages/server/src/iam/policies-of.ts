/** The policies of a user, group or role, each with the name and the kind that a simulation tells of it. */
import { findHolder, HOLDERS, type HolderType } from '../identity/holders.ts'
import { lookUpPolicy } from '../identity/managed-policies.ts'
import { refused } from '../identity/refusals.ts'
import type { IamServices } from './services.ts'

export interface SourcePolicy {
  readonly id: string
  readonly type: 'IAM Policy' | 'Resource Policy' | 'PermissionsBoundary Policy'
  readonly document: string
}

export interface PolicySource {
  readonly identity: readonly SourcePolicy[]
  readonly boundary: SourcePolicy | undefined
  readonly holder: { readonly type: HolderType; readonly name: string }
}

/** `arn`: of a user, group or role of the account. Throws NoSuchEntity and InvalidInput. */
export async function policiesOf(services: IamServices, accountId: string, arn: string): Promise<PolicySource> {
  const [, owner, given, path] = /^arn:aws:iam::(\d{12}):(user|group|role)\/(.+)$/.exec(arn) ?? []
  if (owner !== accountId || path === undefined) throw refused('InvalidInput', `Invalid Entity Arn: ${arn}`)
  const type = given as HolderType
  const holder = await findHolder(services.store, type, accountId, path.slice(path.lastIndexOf('/') + 1))
  const name = HOLDERS[type].nameOf(holder as never)
  const identity = await policiesOfOne(services, accountId, type, name)
  for (const group of 'groups' in holder ? holder.groups : []) {
    identity.push(...(await policiesOfOne(services, accountId, 'group', group)))
  }
  const boundary = 'boundary' in holder && holder.boundary !== undefined ? holder.boundary : undefined
  return {
    identity,
    boundary: boundary === undefined ? undefined : await managed(services, accountId, boundary),
    holder: { type, name },
  }
}

async function policiesOfOne(services: IamServices, accountId: string, type: HolderType, name: string) {
  const { inline, attached } = await findHolder(services.store, type, accountId, name)
  const own = Object.entries(inline).map(
    ([policyName, document]): SourcePolicy => ({ id: `${type}_${name}_${policyName}`, type: 'IAM Policy', document }),
  )
  const found = await Promise.all(attached.map((arn) => managed(services, accountId, arn)))
  return [...own, ...found.filter((one) => one !== undefined)]
}

async function managed({ store }: IamServices, accountId: string, arn: string): Promise<SourcePolicy | undefined> {
  const policy = await lookUpPolicy(store, accountId, arn)
  const version = policy?.versions.find(({ version }) => version === policy.defaultVersion)
  return policy && version && { id: policy.policyName, type: 'IAM Policy', document: version.document }
}
