/** Grants: made, listed, revoked by whoever manages the key, retired by whoever was told of them. */
import type { Clock } from '../core/clock.ts'
import { Fault, isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { compilePrincipals } from '../policy/principal.ts'
import { each } from '../records/each-record.ts'
import { nameAfter, prefixEnd } from '../records/names.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import {
  type GrantTerms,
  grantNames,
  grantRecord,
  isGrantId,
  type KmsGrant,
  newGrantId,
  retirableGrant,
} from './grant-records.ts'
import type { FoundKey, KeyAccess } from './key-access.ts'
import type { KeyLimits } from './key-limits.ts'
import type { EncryptionContext } from './key-material.ts'
import { isFor, specOf } from './key-specs.ts'
import { requireUsable } from './key-state.ts'
import { type KmsKey, kmsKeyRecord } from './kms-records.ts'

export interface NewGrant extends GrantTerms {
  readonly keyId: string
  readonly name?: string | undefined
  readonly dryRun: boolean
}

export interface ListGrantsInput {
  readonly keyId: string
  readonly grantId: string | undefined
  readonly granteePrincipal: string | undefined
  /** The id of the last grant of the page before. */
  readonly after: string | undefined
  readonly limit: number
}

/** How a request names the grant that it retires. */
export type GrantReference = { readonly token: string } | { readonly keyId: string; readonly grantId: string }

export interface KeyGrantsOptions {
  readonly records: RecordStore
  readonly access: KeyAccess
  readonly limits: KeyLimits
  readonly clock: Clock
}

export class KeyGrants {
  readonly #records: RecordStore
  readonly #access: KeyAccess
  readonly #limits: KeyLimits
  readonly #clock: Clock

  constructor({ records, access, limits, clock }: KeyGrantsOptions) {
    this.#records = records
    this.#access = access
    this.#limits = limits
    this.#clock = clock
  }

  /** The grant; that which is there already where it has the same name and terms. */
  createGrant(call: CallContext, { keyId, name, dryRun, ...terms }: NewGrant): Promise<KmsGrant> {
    requirePrincipal(terms.granteePrincipal)
    if (terms.retiringPrincipal !== undefined) requirePrincipal(terms.retiringPrincipal)
    return this.#attempt(keyId, async () => {
      const found = await this.#access.find(call, keyId, 'kms:CreateGrant')
      const use = { action: 'kms:CreateGrant', grant: terms, encryptionContext: constrained(terms) } as const
      await this.#access.require(call, found, use)
      const key = found.stored.value
      requireUsable(key)
      requireFitting(key, terms)
      if (dryRun) throw new Fault('KmsDryRun', {})
      const same = name === undefined ? undefined : await this.#alike(key, name, terms)
      if (same) return same
      await this.#limits.requireRoomForGrant(key)
      const { accountId, arn } = key
      const grant: KmsGrant = {
        ...terms,
        accountId,
        keyId: key.keyId,
        keyArn: arn,
        grantId: newGrantId(terms.granteePrincipal),
        name,
        issuingAccount: `arn:aws:iam::${call.principal.accountId}:root`,
        createdAtMs: this.#clock.nowMs(),
      }
      const { retiringPrincipal: retiring } = grant
      const done = await this.#commit(found, 1, [
        this.#records.put(grantRecord, grantNames.grant(grant), grant),
        ...(retiring === undefined ? [] : [this.#retirable(retiring, grant)]),
      ])
      return done ? grant : undefined
    })
  }

  /** Grants of a key, by their ids. Throws KmsGrantIdInvalid. */
  async listGrants(call: CallContext, input: ListGrantsInput): Promise<readonly KmsGrant[]> {
    const { grantId, granteePrincipal, after } = input
    const { accountId, keyId } = await this.#access.allowed(call, input.keyId, { action: 'kms:ListGrants' })
    const isWanted = (grant: KmsGrant) => granteePrincipal === undefined || grant.granteePrincipal === granteePrincipal
    if (grantId !== undefined) {
      const grant = await this.#grant({ accountId, keyId, grantId: requireGrantId(grantId) })
      return grant && isWanted(grant) ? [grant] : []
    }
    const prefix =
      granteePrincipal === undefined
        ? grantNames.ofKey(accountId, keyId)
        : grantNames.ofGrantee(accountId, keyId, granteePrincipal)
    const page = await this.#records.range(grantRecord, {
      gte: after === undefined ? prefix : nameAfter(grantNames.grant({ accountId, keyId, grantId: after })),
      lt: prefixEnd(prefix),
      limit: input.limit,
    })
    return page.map(({ value }) => value)
  }

  /** The grants that a principal of the caller's account may retire, with where the list goes on after each. */
  async listRetirableGrants(
    call: CallContext,
    retiringPrincipal: string,
    after: string | undefined,
    limit: number,
  ): Promise<readonly { readonly grant: KmsGrant; readonly marker: string }[]> {
    this.#access.requireOwn(call, { action: 'kms:ListRetirableGrants' })
    requirePrincipal(retiringPrincipal)
    const prefix = grantNames.ofRetiring(retiringPrincipal)
    if (retiringPrincipal.split(':')[4] !== call.principal.accountId) return []
    const page = await this.#records.range(retirableGrant, {
      gte: after === undefined ? prefix : nameAfter(Buffer.from(after, 'hex')),
      lt: prefixEnd(prefix),
      limit,
    })
    const found = page.map(async ({ name, value }) => {
      const grant = await this.#grant(value)
      return grant && { grant, marker: Buffer.from(name).toString('hex') }
    })
    return (await Promise.all(found)).filter((one) => one !== undefined)
  }

  async revokeGrant(call: CallContext, keyId: string, grantId: string, dryRun: boolean): Promise<void> {
    await this.#attempt(keyId, async () => {
      const found = await this.#access.find(call, keyId, 'kms:RevokeGrant')
      await this.#access.require(call, found, { action: 'kms:RevokeGrant' })
      const grant = await this.#grant({ ...found.stored.value, grantId: requireGrantId(grantId) })
      if (!grant) throw grantNotFound(grantId)
      if (dryRun) throw new Fault('KmsDryRun', {})
      return this.#remove(found, grant)
    })
  }

  /** Allowed to the retiring principal, to the grantee where the grant says so, and to whom policies allow it. */
  async retireGrant(call: CallContext, reference: GrantReference, dryRun: boolean): Promise<void> {
    const isByToken = 'token' in reference
    const { keyId, grantId } = isByToken ? readToken(reference.token) : reference
    await this.#attempt(keyId, async () => {
      const found = await this.#access.find(call, keyId, 'kms:RetireGrant')
      const grant = await this.#grant({ ...found.stored.value, grantId: requireGrantId(grantId) })
      if (!grant && isByToken) throw new Fault('KmsGrantTokenInvalid', {})
      const use = { action: 'kms:RetireGrant', grant, encryptionContext: constrained(grant) } as const
      await this.#access.require(call, found, use, grant)
      if (!grant) throw grantNotFound(grantId)
      if (dryRun) throw new Fault('KmsDryRun', {})
      return this.#remove(found, grant)
    })
  }

  /** A token adds nothing, since a grant holds at once; but it must be of a grant that there is. Throws KmsGrantTokenInvalid. */
  async checkToken(token: string): Promise<void> {
    const { keyId: arn, grantId } = readToken(token)
    const [, , , , accountId = '', resource = ''] = arn.split(':')
    const grant = await this.#grant({ accountId, keyId: resource.slice('key/'.length), grantId })
    if (!grant) throw new Fault('KmsGrantTokenInvalid', {})
  }

  async #grant(names: Parameters<typeof grantNames.grant>[0]): Promise<KmsGrant | undefined> {
    return (await this.#records.get(grantRecord, grantNames.grant(names)))?.value
  }

  async #alike({ accountId, keyId }: KmsKey, name: string, terms: GrantTerms): Promise<KmsGrant | undefined> {
    const prefix = grantNames.ofGrantee(accountId, keyId, terms.granteePrincipal)
    for await (const { value } of each(this.#records, grantRecord, prefix)) {
      if (value.name === name && termsText(value) === termsText(terms)) return value
    }
    return undefined
  }

  async #remove(found: FoundKey, grant: KmsGrant): Promise<true | undefined> {
    return (await this.#commit(found, -1, grantRemovals(this.#records, grant))) || undefined
  }

  /** Every change of grants is one of the key's record too, so a key that ends meanwhile takes all its grants with it. */
  #commit({ stored }: FoundKey, more: 1 | -1, mutations: readonly Mutation[]): Promise<boolean> {
    const key = { ...stored.value, grants: (stored.value.grants ?? 0) + more }
    return this.#records.commit(
      [this.#records.unchanged(kmsKeyRecord, stored)],
      [this.#records.put(kmsKeyRecord, stored.name, key), ...mutations],
    )
  }

  #retirable(principal: string, grant: KmsGrant): Mutation {
    const { accountId, keyId, grantId } = grant
    return this.#records.put(retirableGrant, grantNames.retirable(principal, grant), { accountId, keyId, grantId })
  }

  async #attempt<T>(what: string, once: () => Promise<T | undefined>): Promise<T> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const result = await once()
      if (result !== undefined) return result
    }
    throw new Fault('Contention', { what })
  }
}

export function grantRemovals(records: RecordStore, grant: KmsGrant): Mutation[] {
  const { retiringPrincipal } = grant
  return [
    records.remove(grantRecord, grantNames.grant(grant)),
    ...(retiringPrincipal === undefined
      ? []
      : [records.remove(retirableGrant, grantNames.retirable(retiringPrincipal, grant))]),
  ]
}

/** A grant token: base64url of the key's ARN and the grant's id. It is no secret. */
export const grantToken = ({ keyArn, grantId }: KmsGrant) => Buffer.from(`${keyArn} ${grantId}`).toString('base64url')

function readToken(token: string): { keyId: string; grantId: string } {
  const [, keyId, grantId] =
    /^(arn:aws:kms:[a-z0-9-]+:\d{12}:key\/\S+) ([0-9a-f]{64})$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
  if (keyId === undefined || grantId === undefined) throw new Fault('KmsGrantTokenInvalid', {})
  return { keyId, grantId }
}

function requireGrantId(grantId: string): string {
  if (!isGrantId(grantId)) throw new Fault('KmsGrantIdInvalid', {})
  return grantId
}

function requirePrincipal(arn: string): void {
  try {
    if (arn.startsWith('arn:')) {
      compilePrincipals({ AWS: arn }, true)
      return
    }
  } catch (error) {
    if (!isFault(error, 'PolicyMalformed')) throw error
  }
  throw new Fault('KmsArnInvalid', { message: `ARN does not refer to a valid principal: ${arn}` })
}

/** The encryption context that a grant asks for, which condition keys are about. */
const constrained = (terms: GrantTerms | undefined): EncryptionContext => ({
  ...terms?.constraints?.EncryptionContextSubset,
  ...terms?.constraints?.EncryptionContextEquals,
})

/** Equal for equal terms, whatever their order. */
function termsText({ retiringPrincipal, operations, constraints }: GrantTerms): string {
  const pairs = (context: EncryptionContext | undefined) => context && Object.entries(context).sort()
  const { EncryptionContextEquals, EncryptionContextSubset } = constraints ?? {}
  return JSON.stringify([
    retiringPrincipal ?? null,
    [...new Set(operations)].sort(),
    pairs(EncryptionContextEquals) ?? null,
    pairs(EncryptionContextSubset) ?? null,
  ])
}

const grantNotFound = (grantId: string) => new Fault('KmsKeyNotFound', { message: `Grant ID ${grantId} not found` })

/** Throws KmsValidation where keys of this kind are not for what the grant would give. */
function requireFitting(key: KmsKey, { operations, constraints }: GrantTerms): void {
  const unfit = operations.find((operation) => !isFor(key, `kms:${operation}`))
  if (unfit !== undefined) {
    throw new Fault('KmsValidation', {
      message: `The operation ${unfit} is not valid for a key with key spec ${specOf(key)}.`,
    })
  }
  if (constraints && specOf(key) !== 'SYMMETRIC_DEFAULT') {
    throw new Fault('KmsValidation', {
      message: `Encryption context constraints are not valid for a key with key spec ${specOf(key)}.`,
    })
  }
}
