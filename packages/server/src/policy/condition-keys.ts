/**
 * Condition keys as rows: each says how its value follows from a request. Values are made only when a policy asks.
 * The keys of a service stand with the service; here are the global ones (IAM user guide, "AWS global condition context
 * keys"). Names are in lower case, since policies may write them in any.
 */
import type { Access } from './access.ts'
import type { CallContext, Principal } from './call.ts'
import type { RequestContext } from './request.ts'

/** Undefined: the key is absent from the request. */
export type KeyValue = string | number | boolean | readonly string[] | undefined

/** Rows of one subject. A family's keys begin with its name and go on with one of the request, e.g. a tag's. */
export interface KeyTable<S> {
  readonly keys: Readonly<Record<string, (subject: S) => KeyValue>>
  readonly families: Readonly<Record<string, (subject: S, rest: string) => KeyValue>>
}

/** The value of `key` by a table; undefined where no row knows it, too. */
export function keyValue<S>(table: KeyTable<S>, subject: S, key: string): KeyValue {
  const row = Object.hasOwn(table.keys, key) ? table.keys[key] : undefined
  if (row) return row(subject)
  for (const [prefix, family] of Object.entries(table.families)) {
    if (key.startsWith(prefix)) return family(subject, key.slice(prefix.length))
  }
  return undefined
}

interface GlobalSubject {
  readonly call: CallContext
  readonly access: Access
}

/** Network and client of the original request say nothing of the call that a service makes on its behalf or by itself. */
const direct = (value: (call: CallContext) => KeyValue) => (subject: GlobalSubject) =>
  subject.call.via === undefined && !isService(subject.call.principal) ? value(subject.call) : undefined

const isService = ({ named: { kind } }: Principal) => kind === 'Service'

const serviceName = ({ named }: Principal) => (named.kind === 'Service' ? named.service : undefined)

/** Has no identity of any account. */
const isStranger = ({ named: { kind } }: Principal) =>
  kind === 'Anonymous' || kind === 'WebIdentity' || kind === 'Service'

export const GLOBAL_KEYS: KeyTable<GlobalSubject> = {
  keys: {
    'aws:securetransport': ({ call }) => call.via !== undefined || call.secureTransport,
    'aws:sourceip': direct((call) => call.sourceIp),
    'aws:useragent': direct((call) => call.userAgent),
    'aws:referer': direct((call) => call.referer),
    'aws:currenttime': ({ call }) => new Date(call.atMs).toISOString(),
    'aws:epochtime': ({ call }) => Math.floor(call.atMs / 1000),
    'aws:requestedregion': ({ call }) => call.region,
    'aws:viaawsservice': ({ call }) => call.via !== undefined,
    'aws:calledvia': ({ call }) => call.via && [`${call.via}.amazonaws.com`],
    'aws:calledviafirst': ({ call }) => call.via && `${call.via}.amazonaws.com`,
    'aws:calledvialast': ({ call }) => call.via && `${call.via}.amazonaws.com`,
    'aws:principalisawsservice': ({ call: { principal } }) => isService(principal),
    'aws:principalservicename': ({ call: { principal } }) => serviceName(principal),
    'aws:principalservicenameslist': ({ call: { principal } }) => {
      const name = serviceName(principal)
      return name === undefined ? undefined : [name]
    },
    'aws:sourcearn': ({ call: { source } }) => source?.arn,
    'aws:sourceaccount': ({ call: { source } }) => source?.accountId,
    'aws:principalarn': ({ call: { principal } }) => {
      if (isStranger(principal)) return undefined
      // Of a role's session it is the role.
      return principal.named.kind === 'AssumedRole' ? principal.named.roleArn : principal.arn
    },
    'aws:principalaccount': ({ call: { principal } }) => (isStranger(principal) ? undefined : principal.accountId),
    'aws:principaltype': ({ call: { principal } }) => (isService(principal) ? undefined : principal.named.kind),
    'aws:userid': ({ call: { principal } }) =>
      principal.named.kind === 'Anonymous' ? 'anonymous' : principal.principalId || undefined,
    'aws:username': ({ call: { principal } }) => principal.userName,
    'aws:resourceaccount': ({ access }) => access.resourceAccount,
    'aws:tokenissuetime': ({ call: { principal } }) =>
      principal.session && new Date(principal.session.issuedAtMs).toISOString(),
    // Temporary credentials always have it; without a second factor it is false. Long-term ones never do.
    'aws:multifactorauthpresent': ({ call: { principal } }) => (principal.session ? false : undefined),
    'aws:federatedprovider': ({ call: { principal } }) => principal.session?.federatedProvider,
    'aws:sourceidentity': ({ call: { principal } }) => principal.session?.sourceIdentity,
  },
  families: {
    'aws:principaltag/': ({ call: { principal } }, tag) => tagValue(principal.tags, tag),
  },
}

/** Tag keys in condition keys are found without regard to case. */
export function tagValue(tags: Readonly<Record<string, string>>, key: string): string | undefined {
  if (Object.hasOwn(tags, key)) return tags[key]
  return Object.entries(tags).find(([name]) => name.toLowerCase() === key)?.[1]
}

/** The condition keys of one access, made when they are asked for and remembered. */
export class AccessContext implements RequestContext {
  readonly #subject: GlobalSubject
  /** Made when the first key is asked for; most accesses ask for none. */
  #known: Map<string, readonly string[] | undefined> | undefined

  constructor(call: CallContext, access: Access) {
    this.#subject = { call, access }
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  get(key: string): readonly string[] | undefined {
    this.#known ??= new Map()
    if (this.#known.has(key)) return this.#known.get(key)
    const value = key.startsWith('aws:')
      ? (keyValue(GLOBAL_KEYS, this.#subject, key) ?? this.#subject.access.keys?.(key))
      : this.#subject.access.keys?.(key)
    const values = value === undefined ? undefined : typeof value === 'object' ? value : [String(value)]
    this.#known.set(key, values)
    return values
  }
}
