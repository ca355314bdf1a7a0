/** What an operation is about, as policies name it: readers of ARNs from requests, with the tags that are there. */
import { HOLDERS, type HolderType, lookUpHolder } from '../identity/holders.ts'
import { lookUpPolicy } from '../identity/managed-policies.ts'
import { lookUpProvider } from '../identity/oidc-providers.ts'
import { rootArn } from '../identity/principals.ts'
import type { Tags } from '../identity/records.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import {
  accessKeyId,
  existingName,
  newName,
  path,
  policyArn,
  policySourceArn,
  providerArn,
  userNameOrOwn,
} from './read-input.ts'
import type { IamServices } from './services.ts'

export interface Target {
  readonly arn: string
  readonly tags?: Tags | undefined
  /** The permissions boundary that it has. */
  readonly boundary?: string | undefined
}

export type TargetReader = (
  services: IamServices,
  call: CallContext,
  input: Input,
) => Target | readonly Target[] | Promise<Target | readonly Target[]>

/** No resource in particular. */
export const everything: TargetReader = () => ({ arn: '*' })

/** Lists of a kind, e.g. `user/`. */
export const allOf =
  (kind: string): TargetReader =>
  (_services, call) => ({ arn: arnIn(call, kind) })

/** One that is to be made. */
export const newOne =
  (kind: 'user' | 'group' | 'role' | 'policy', member: string): TargetReader =>
  (_services, call, input) => ({
    arn: arnIn(call, `${kind}${path(input) ?? '/'}${newName(input, member, 128)}`),
  })

export const group: TargetReader = (services, call, input) =>
  holder(services, call, 'group', existingName(input, 'GroupName'))
export const role: TargetReader = (services, call, input) =>
  holder(services, call, 'role', existingName(input, 'RoleName'))
export const user: TargetReader = (services, call, input) =>
  holder(services, call, 'user', existingName(input, 'UserName'))
/** The caller's own where none is named. */
export const userOrOwn: TargetReader = (services, call, input) =>
  holder(services, call, 'user', userNameOrOwn(input, call))
/** As {@link userOrOwn}, and the root user. */
export const userOrCaller: TargetReader = (services, call, input) =>
  input.has('UserName') || call.principal.principalType !== 'Root'
    ? userOrOwn(services, call, input)
    : { arn: rootArn(call.principal.accountId) }

/** One that is moved or renamed: where it is, and where it goes. */
export const moved =
  (type: 'user' | 'group', member: 'UserName' | 'GroupName'): TargetReader =>
  async (services, call, input) => {
    const from = await holder(services, call, type, existingName(input, member))
    const found = await lookUpHolder(services.store, type, call.principal.accountId, existingName(input, member))
    const newPath = path(input, 'NewPath') ?? found?.path ?? '/'
    const name = input.has(`New${member}`) ? newName(input, `New${member}`, 128) : existingName(input, member)
    return [from, { ...from, arn: arnIn(call, `${type}${newPath}${name}`) }]
  }

export const policy: TargetReader = async ({ store }, call, input) => {
  const arn = policyArn(input)
  return { arn, tags: (await lookUpPolicy(store, call.principal.accountId, arn))?.tags }
}

export const newProvider: TargetReader = (_services, call, input) => ({
  arn: arnIn(call, `oidc-provider/${input.text('Url', 255).replace(/^https:\/\//, '')}`),
})

export const provider: TargetReader = async ({ store }, call, input) => {
  const arn = providerArn(input)
  return { arn, tags: (await lookUpProvider(store, call.principal.accountId, arn))?.tags }
}

/** The user whose access key it is. */
export const userOfAccessKey: TargetReader = async (services, call, input) => {
  const key = await services.store.accessKey(accessKeyId(input))
  if (key?.accountId !== call.principal.accountId) return { arn: '*' }
  return holder(services, call, 'user', key.userName)
}

export const principalOfPolicies: TargetReader = (_services, _call, input) => ({
  arn: policySourceArn(input),
})

async function holder(
  { store }: IamServices,
  call: CallContext,
  type: HolderType,
  holderName: string,
): Promise<Target> {
  const found = await lookUpHolder(store, type, call.principal.accountId, holderName)
  if (!found) return { arn: arnIn(call, `${type}/${holderName}`) }
  return {
    arn: HOLDERS[type].arnOf(found as never),
    tags: 'tags' in found ? found.tags : undefined,
    boundary: 'boundary' in found ? found.boundary : undefined,
  }
}

const arnIn = (call: CallContext, resource: string) => `arn:aws:iam::${call.principal.accountId}:${resource}`
