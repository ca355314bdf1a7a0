/**
 * Who may use a key: the one place where every use is allowed or refused, a direct call and one that S3 makes for its
 * caller alike (developer guide, "Determining access to AWS KMS keys"). The key's policy must speak, whoever asks; what
 * it leaves to the account needs the caller's own policies too; a grant does without both. A Deny wins over all.
 */
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/fault.ts'
import type { Access } from '../policy/access.ts'
import { authorize, decisionFacts, denied } from '../policy/authorize.ts'
import type { CallContext, Principal } from '../policy/call.ts'
import { AccessContext, keyValue } from '../policy/condition-keys.ts'
import { type Decision, decide } from '../policy/decide.ts'
import type { Policy } from '../policy/document.ts'
import { PolicyError } from '../policy/policy-error.ts'
import { each } from '../records/each-record.ts'
import type { RecordStore, Stored } from '../records/record-store.ts'
import { type KeySubject, type KeyUse, KMS_KEYS } from './condition-keys.ts'
import { grantNames, grantRecord, type KmsGrant } from './grant-records.ts'
import { covers, grantPolicy } from './grant-rules.ts'
import { asOf } from './imported-material.ts'
import { type AccountAction, factsOf, type KeyAction } from './key-actions.ts'
import { aliasesOf } from './key-aliases.ts'
import { type KeyReference, keyNotFound, readKeyReference } from './key-id.ts'
import { keyPolicy } from './key-policy.ts'
import { aliasName, type KmsKey, keyName, kmsAliasRecord, kmsKeyRecord } from './kms-records.ts'
import type { LastUsage } from './last-usage.ts'

/** A key that a request names, as it is at that moment. */
export interface FoundKey {
  readonly stored: Stored<KmsKey>
  /** Set where the request names it by an alias. */
  readonly requestAlias: string | undefined
}

export class KeyAccess {
  readonly #records: RecordStore
  readonly #region: string
  readonly #clock: Clock
  readonly #lastUsage: LastUsage

  constructor(records: RecordStore, region: string, clock: Clock, lastUsage: LastUsage) {
    this.#records = records
    this.#region = region
    this.#clock = clock
    this.#lastUsage = lastUsage
  }

  /** The same of another region's keys. */
  in(region: string, records: RecordStore): KeyAccess {
    return new KeyAccess(records, region, this.#clock, this.#lastUsage)
  }

  /** The key that a request names, where it allows the use. Throws as `find` and `require`. */
  async allowed(call: CallContext, text: string, use: KeyUse): Promise<KmsKey> {
    const found = await this.find(call, text, use.action)
    await this.require(call, found, use)
    return found.stored.value
  }

  /**
   * The key that a request names, which says nothing yet of whether it may be used. Throws KmsKeyNotFound and
   * KmsArnInvalid; AccessDenied for what another account does not have, or does not share.
   */
  async find(call: CallContext, text: string, action: KeyAction): Promise<FoundKey> {
    const { byAlias, acrossAccounts } = factsOf(action)
    if (!byAlias && text.includes('alias/')) {
      throw new Fault('KmsKeyNotFound', { message: `Invalid keyId '${text}'` })
    }
    const reference = readKeyReference(text, this.#region, call.principal.accountId)
    const isOwn = reference.accountId === call.principal.accountId
    const stored = isOwn || acrossAccounts ? await this.#stored(reference) : undefined
    if (stored && !this.#isOver(stored.value)) {
      const value = asOf(stored.value, this.#clock.nowMs())
      return { stored: { ...stored, value }, requestAlias: reference.kind === 'alias' ? reference.alias : undefined }
    }
    if (isOwn) throw keyNotFound(reference)
    const access = { action, resource: reference.arn, resourceAccount: reference.accountId, resourcePolicy: undefined }
    const decision = { allowed: false, explicit: false, missing: 'resource-based' } as const
    call.decided(decisionFacts(call, access, decision))
    throw refusal(call, access, decision)
  }

  /** Throws AccessDenied. `grant`: the only one that may allow it; else all that the caller has may. */
  async require(call: CallContext, { stored, requestAlias }: FoundKey, use: KeyUse, grant?: KmsGrant): Promise<void> {
    const key = stored.value
    const policy = keyPolicy(key)
    // What takes a look at other records is looked up only where a policy asks for it.
    const asksFor = (name: string) => anyMentions(call.principal, policy, name)
    const found = asksFor('kms:resourcealiases') ? await aliasesOf(this.#records, key) : []
    const aliases = found.map(({ value }) => value.alias)
    const asksForUse = use.action in ENDING && asksFor('kms:trailingdayswithoutkeyusage')
    const trailingDays = asksForUse ? await this.#lastUsage.trailingDays(key) : undefined
    const access = accessOf({ call, key, use, requestAlias, aliases, trailingDays }, policy)
    let decision = authorize(call, access)
    if (!decision.allowed && !decision.explicit && factsOf(use.action).grantable && key.grants) {
      decision = (await this.#byGrant(call, access, key, use, grant)) ?? decision
    }
    call.decided(decisionFacts(call, access, decision))
    if (!decision.allowed) throw refusal(call, access, decision)
  }

  /** For what is about no key that there is, or about an alias besides its key. Throws AccessDenied. */
  requireOwn(call: CallContext, use: KeyUse<KeyAction | AccountAction>, resource = '*'): void {
    const subject: KeySubject = { call, key: undefined, use, requestAlias: undefined, aliases: [] }
    const access: Access = {
      action: use.action,
      resource,
      resourceAccount: call.principal.accountId,
      resourcePolicy: undefined,
      keys: (name) => keyValue(KMS_KEYS, subject, name),
    }
    const decision = authorize(call, access)
    call.decided(decisionFacts(call, access, decision))
    if (!decision.allowed) throw refusal(call, access, decision)
  }

  /** Throws PolicyMalformed where the caller could not put another policy in the place of the one that `key` has. */
  requireWayBack(call: CallContext, key: KmsKey): void {
    const use = { action: 'kms:PutKeyPolicy', bypassesLockoutCheck: false } as const
    const access = accessOf({ call, key, use, requestAlias: undefined, aliases: [] }, keyPolicy(key))
    if (authorize(call, access).allowed) return
    throw new PolicyError('The new key policy will not allow you to update the key policy in the future.')
  }

  /** A grant is held by a role's boundary and session policy as a key policy's statement would be, and by no more. */
  async #byGrant(
    call: CallContext,
    access: Access,
    key: KmsKey,
    use: KeyUse,
    only: KmsGrant | undefined,
  ): Promise<Decision | undefined> {
    const { principal } = call
    const request = {
      action: access.action,
      resource: access.resource,
      principal: principal.named,
      context: new AccessContext(call, access),
    }
    const grants = only ? [only] : this.#grantsTo(principal, key)
    for await (const grant of grants) {
      if (!only && !covers(grant, use)) continue
      const decision = decide(request, {
        ...principal.permissions,
        resource: grantPolicy(grant),
        // What the key's account gives away needs no permission of the caller's account besides.
        resourceAccount: principal.accountId,
        resourceMustAllow: true,
      })
      if (decision.allowed) return decision
    }
    return undefined
  }

  async *#grantsTo(principal: Principal, { accountId, keyId }: KmsKey): AsyncIterable<KmsGrant> {
    for (const arn of arnsOf(principal)) {
      for await (const { value } of each(this.#records, grantRecord, grantNames.ofGrantee(accountId, keyId, arn))) {
        yield value
      }
    }
  }

  async #stored(reference: KeyReference): Promise<Stored<KmsKey> | undefined> {
    if (reference.kind === 'id') return this.#records.get(kmsKeyRecord, keyName(reference.accountId, reference.keyId))
    const alias = await this.#records.get(kmsAliasRecord, aliasName(reference.accountId, reference.alias))
    return alias && this.#records.get(kmsKeyRecord, keyName(reference.accountId, alias.value.keyId))
  }

  /** A key whose waiting period has ended is gone, whether the sweep has been there or not. */
  #isOver(key: KmsKey): boolean {
    return key.deletionAtMs !== undefined && key.deletionAtMs <= this.#clock.nowMs()
  }
}

function accessOf(subject: KeySubject & { readonly key: KmsKey }, policy: Policy): Access {
  return {
    action: subject.use.action,
    resource: subject.key.arn,
    resourceAccount: subject.key.accountId,
    resourcePolicy: policy,
    resourceMustAllow: true,
    keys: (name) => keyValue(KMS_KEYS, subject, name),
  }
}

/** As `denied`, and told to callers of other accounts as well, in the words that AWS has for them. */
function refusal(
  call: CallContext,
  access: Pick<Access, 'action' | 'resource' | 'resourceAccount'>,
  decision: Exclude<Decision, { allowed: true }>,
): Fault<'AccessDenied'> {
  const { detail } = denied(call, access, decision)
  const type = decision.explicit ? decision.by[0]!.type : decision.missing
  const isStranger = call.principal.accountId !== access.resourceAccount
  const reason = isStranger && type === 'resource-based' ? NOT_SHARED : detail.reason
  return new Fault('AccessDenied', { ...detail, reason, told: true })
}

/** The operations that may ask for how long a key has not been used. */
const ENDING = { 'kms:DisableKey': true, 'kms:ScheduleKeyDeletion': true }

/** The same of a key that is not there, so that nobody learns of other accounts' keys. */
const NOT_SHARED =
  'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'

function anyMentions({ permissions }: Principal, policy: Policy, key: string): boolean {
  const { identity, boundary, session } = permissions
  const mentions = (one: Policy) => one.mentions(key)
  return (
    mentions(policy) || identity.some(mentions) || boundary?.mentions(key) === true || session?.some(mentions) === true
  )
}

/** The principals that a grant may name for this one: itself, its role, its account. A service is of no account. */
function arnsOf({ arn, accountId, named }: Principal): ReadonlySet<string> {
  if (named.kind === 'Service') return new Set([arn])
  const role = named.kind === 'AssumedRole' ? [named.roleArn] : []
  return new Set([arn, ...role, `arn:aws:iam::${accountId}:root`])
}
