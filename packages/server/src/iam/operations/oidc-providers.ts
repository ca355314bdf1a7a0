/** OpenID Connect providers. */
import {
  changeProvider,
  createProvider,
  deleteProvider,
  findProvider,
  listProviders,
} from '../../identity/oidc-providers.ts'
import { oidcProviderArn } from '../../identity/records.ts'
import type { Input } from '../../protocols/input.ts'
import type { IamOperations } from '../operation.ts'
import { providerArn, tags } from '../read-input.ts'
import { tagList, tagsIfAny } from '../shapes.ts'
import { allOf, newProvider, provider } from '../targets.ts'

const clientId = (input: Input) => input.text('ClientID', 255)

function thumbprints(input: Input): readonly string[] {
  const list = input.texts('ThumbprintList')
  if (list.some((one) => one.length !== 40)) {
    throw input.invalid(
      "1 validation error detected: Value at 'thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 40, Member must have length greater than or equal to 40]",
    )
  }
  return list
}

/** Without its scheme; the path stays, a slash at its end goes. */
function providerUrl(input: Input): string {
  const text = input.text('Url', 255)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.search !== '' || url.hash !== '') {
    throw input.invalid('Invalid Open ID Connect Provider URL')
  }
  return text.replace(/^https:\/\//i, '').replace(/\/$/, '')
}

export const OIDC_PROVIDER_OPERATIONS: IamOperations = {
  CreateOpenIDConnectProvider: {
    readOnly: false,
    on: newProvider,
    withTags: 'TagOpenIDConnectProvider',
    async run({ store, clock }, { principal }, input) {
      const facts = {
        url: providerUrl(input),
        clientIds: [...input.texts('ClientIDList')],
        thumbprints: thumbprints(input),
        tags: tags(input, 'sensitive'),
      }
      const made = await createProvider(store, principal.accountId, facts, clock.nowMs())
      return { OpenIDConnectProviderArn: oidcProviderArn(made), Tags: tagsIfAny(made.tags) }
    },
  },
  GetOpenIDConnectProvider: {
    readOnly: true,
    on: provider,
    async run({ store }, { principal }, input) {
      const found = await findProvider(store, principal.accountId, providerArn(input))
      return {
        Url: found.url,
        ClientIDList: found.clientIds,
        ThumbprintList: found.thumbprints,
        CreateDate: new Date(found.createdAtMs),
        Tags: tagList(found.tags),
      }
    },
  },
  ListOpenIDConnectProviders: {
    readOnly: true,
    on: allOf('oidc-provider/'),
    async run({ store }, { principal }) {
      const found = await listProviders(store, principal.accountId)
      return { OpenIDConnectProviderList: found.map((one) => ({ Arn: oidcProviderArn(one) })) }
    },
  },
  AddClientIDToOpenIDConnectProvider: {
    readOnly: false,
    on: provider,
    async run({ store }, { principal }, input) {
      const added = clientId(input)
      await changeProvider(store, principal.accountId, providerArn(input), (found) => ({
        ...found,
        clientIds: [...new Set([...found.clientIds, added])],
      }))
      return {}
    },
  },
  RemoveClientIDFromOpenIDConnectProvider: {
    readOnly: false,
    on: provider,
    async run({ store }, { principal }, input) {
      const removed = clientId(input)
      await changeProvider(store, principal.accountId, providerArn(input), (found) => ({
        ...found,
        clientIds: found.clientIds.filter((one) => one !== removed),
      }))
      return {}
    },
  },
  UpdateOpenIDConnectProviderThumbprint: {
    readOnly: false,
    on: provider,
    async run({ store }, { principal }, input) {
      const list = thumbprints(input)
      await changeProvider(store, principal.accountId, providerArn(input), (found) => ({ ...found, thumbprints: list }))
      return {}
    },
  },
  DeleteOpenIDConnectProvider: {
    readOnly: false,
    on: provider,
    async run({ store }, { principal }, input) {
      await deleteProvider(store, principal.accountId, providerArn(input))
      return {}
    },
  },
}
