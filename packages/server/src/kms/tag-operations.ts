/** The KMS operations on tags of keys, as rows. */
import type { Kms } from '../keys/kms.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { readMarker, truncation } from './paging.ts'

/** Also the default. */
const MAX_LISTED = 50

export const TAG_OPERATIONS = {
  ListResourceTags: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, MAX_LISTED) ?? MAX_LISTED
      const after = readMarker(input)
      const { tags } = await kms.keys.describeKey(call, input.keyId(), 'kms:ListResourceTags')
      const from = after === undefined ? 0 : tags.findIndex(({ TagKey }) => TagKey === after) + 1
      const page = tags.slice(from, from + limit)
      return { Tags: page, ...truncation(from + limit < tags.length, page.at(-1)?.TagKey) }
    },
  },
  TagResource: {
    readOnly: false,
    async run(kms, call, input) {
      const keyId = input.keyId()
      input.required('Tags')
      await kms.keys.tag(call, keyId, input.tags())
      return {}
    },
  },
  UntagResource: {
    readOnly: false,
    async run(kms, call, input) {
      const keyId = input.keyId()
      input.required('TagKeys')
      await kms.keys.untag(call, keyId, input.texts('TagKeys'))
      return {}
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>
