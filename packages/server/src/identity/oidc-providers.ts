/** OpenID Connect providers whose tokens a role may be assumed with. */
import { listRecords } from './holders.ts'
import type { IdentityStore } from './identity-store.ts'
import { names, type OidcProviderRecord, oidcProviderRecord } from './records.ts'
import { alreadyExists, quotaExceeded, refused } from './refusals.ts'

const MOST_CLIENT_IDS = 100
const MOST_THUMBPRINTS = 5

export type OidcProviderFacts = Pick<OidcProviderRecord, 'url' | 'clientIds' | 'thumbprints' | 'tags'>

/** Throws EntityAlreadyExists, InvalidInput and LimitExceeded. */
export function createProvider(
  store: IdentityStore,
  accountId: string,
  facts: OidcProviderFacts,
  nowMs: number,
): Promise<OidcProviderRecord> {
  return store.change(async () => {
    const at = names.oidcProvider(accountId, facts.url)
    if (await store.records.get(oidcProviderRecord, at)) throw alreadyExists(`Provider with url https://${facts.url}`)
    const provider: OidcProviderRecord = { accountId, ...facts, createdAtMs: nowMs }
    requireWithinLimits(provider)
    return { mutations: [store.records.put(oidcProviderRecord, at, provider)], result: provider }
  })
}

export async function lookUpProvider(
  store: IdentityStore,
  accountId: string,
  arn: string,
): Promise<OidcProviderRecord | undefined> {
  const [, owner, url] = /^arn:aws:iam::(\d{12}):oidc-provider\/(.+)$/.exec(arn) ?? []
  if (owner !== accountId || url === undefined) return undefined
  return (await store.records.get(oidcProviderRecord, names.oidcProvider(accountId, url)))?.value
}

/** Throws NoSuchEntity. */
export async function findProvider(store: IdentityStore, accountId: string, arn: string): Promise<OidcProviderRecord> {
  const provider = await lookUpProvider(store, accountId, arn)
  if (!provider) throw refused('NoSuchEntity', `OpenIDConnect Provider not found for arn ${arn}`)
  return provider
}

export const listProviders = (store: IdentityStore, accountId: string) =>
  listRecords(store, oidcProviderRecord, accountId)

/** Throws NoSuchEntity, InvalidInput, LimitExceeded and what `edit` throws. */
export function changeProvider(
  store: IdentityStore,
  accountId: string,
  arn: string,
  edit: (provider: OidcProviderRecord) => OidcProviderRecord,
): Promise<OidcProviderRecord> {
  return store.change(async () => {
    const provider = edit(await findProvider(store, accountId, arn))
    requireWithinLimits(provider)
    const at = names.oidcProvider(accountId, provider.url)
    return { mutations: [store.records.put(oidcProviderRecord, at, provider)], result: provider }
  })
}

/** Throws NoSuchEntity. */
export function deleteProvider(store: IdentityStore, accountId: string, arn: string): Promise<void> {
  return store.change(async () => {
    const provider = await lookUpProvider(store, accountId, arn)
    if (!provider) throw refused('NoSuchEntity', `OpenId connect Provider ${arn} cannot be found.`)
    const at = names.oidcProvider(accountId, provider.url)
    return { mutations: [store.records.remove(oidcProviderRecord, at)], result: undefined }
  })
}

function requireWithinLimits({ clientIds, thumbprints }: OidcProviderRecord): void {
  if (thumbprints.length > MOST_THUMBPRINTS) {
    throw refused('InvalidInput', `Thumbprint list must contain fewer than ${MOST_THUMBPRINTS} entries.`)
  }
  if (clientIds.length > MOST_CLIENT_IDS) throw quotaExceeded('ClientIdsPerOpenIdConnectProvider', MOST_CLIENT_IDS)
}
