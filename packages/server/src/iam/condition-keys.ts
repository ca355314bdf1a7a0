/**
 * IAM's condition keys as rows: each follows from the request and from what it is about (Service Authorization
 * Reference, "Condition keys for AWS Identity and Access Management").
 */
import { type KeyTable, tagValue } from '../policy/condition-keys.ts'
import type { Input } from '../protocols/input.ts'
import type { Target } from './targets.ts'

export interface IamSubject {
  readonly input: Input
  readonly target: Target
}

const requestTags = (input: Input) =>
  Object.fromEntries(input.structures('Tags').map((tag) => [tag.text('Key', 128), tag.text('Value', 256, 0)]))

const resourceTag = ({ target }: IamSubject, key: string) => target.tags && tagValue(target.tags, key)

export const IAM_KEYS: KeyTable<IamSubject> = {
  keys: {
    'iam:policyarn': ({ input }) => input.optionalText('PolicyArn', 2048),
    // Of an identity that is there already it is the boundary that it has.
    'iam:permissionsboundary': ({ input, target }) =>
      input.optionalText('PermissionsBoundary', 2048) ?? target.boundary,
    'aws:tagkeys': ({ input }) => {
      const keys = [...Object.keys(requestTags(input)), ...input.texts('TagKeys')]
      return keys.length === 0 ? undefined : keys
    },
  },
  families: {
    'aws:requesttag/': ({ input }, key) => tagValue(requestTags(input), key),
    'aws:resourcetag/': resourceTag,
    'iam:resourcetag/': resourceTag,
  },
}
