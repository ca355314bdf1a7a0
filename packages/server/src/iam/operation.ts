/** One operation of IAM as a row, and the one rule by which all of them are allowed. */
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import { keyValue } from '../policy/condition-keys.ts'
import type { Input } from '../protocols/input.ts'
import type { Output, ServiceOperation } from '../protocols/service-door.ts'
import { IAM_KEYS } from './condition-keys.ts'
import type { IamServices } from './services.ts'
import type { TargetReader } from './targets.ts'

export interface IamOperation {
  readonly readOnly: boolean
  /** What the caller must be allowed to do it on. */
  readonly on: TargetReader
  /** The operation that must be allowed too where the request has tags. */
  readonly withTags?: string
  readonly run: (services: IamServices, call: CallContext, input: Input) => Promise<Output>
}

export type IamOperations = Readonly<Record<string, IamOperation>>

/** The row with its authorisation before it: action `iam:<Name>` on each of its targets. */
export function authorised(name: string, { readOnly, on, withTags, run }: IamOperation): ServiceOperation<IamServices> {
  return {
    readOnly,
    async run(services, call, input) {
      const names = withTags !== undefined && input.structures('Tags').length > 0 ? [name, withTags] : [name]
      for (const target of [await on(services, call, input)].flat()) {
        for (const each of names) {
          requireAllowed(call, {
            action: `iam:${each}`,
            resource: target.arn,
            resourceAccount: call.principal.accountId,
            resourcePolicy: undefined,
            keys: (key) => keyValue(IAM_KEYS, { input, target }, key),
          })
        }
      }
      return run(services, call, input)
    },
  }
}
