/** The principal that an ARN names, as it is now, for asking what it may do. */
import type { Clock } from '../core/clock.ts'
import { ANONYMOUS, type Principal } from '../policy/call.ts'
import type { Accounts } from './accounts.ts'
import type { IdentityStore } from './identity-store.ts'
import { rootPrincipal, userPrincipal } from './principals.ts'
import { roleArn, userArn } from './records.ts'
import { sessionPrincipal } from './session-principal.ts'

const ARN = /^arn:aws:(iam|sts)::(\d{12}):(root|user|role|assumed-role)(?:\/(.+))?$/
/** The session that a role is supposed to have, where the ARN is the role's. */
const SUPPOSED_SESSION = 'supposed'
const HOUR_MS = 3_600_000

export interface NamedPrincipalSources {
  readonly accounts: Accounts
  readonly identity: IdentityStore
  readonly clock: Clock
}

/** `arn` may be `anonymous`. Undefined where nobody here has the name. A session has no policies and tags of its own. */
export async function namedPrincipal(arn: string, sources: NamedPrincipalSources): Promise<Principal | undefined> {
  if (arn === ANONYMOUS.arn) return ANONYMOUS
  const { accounts, identity } = sources
  const [, service, accountId = '', kind, path = ''] = ARN.exec(arn) ?? []
  const steps = path.split('/')
  switch (`${service}:${kind}`) {
    case 'iam:root':
      return path === '' && accounts.isKnown(accountId) ? rootPrincipal(accounts, accountId, '') : undefined
    case 'iam:user': {
      const found = await identity.user(accountId, steps.at(-1)!)
      return found && userArn(found.user) === arn ? userPrincipal(accounts, found, '') : undefined
    }
    case 'iam:role': {
      const found = await identity.role(accountId, steps.at(-1)!)
      return found && roleArn(found.role) === arn
        ? ofRole(sources, accountId, steps.at(-1)!, SUPPOSED_SESSION)
        : undefined
    }
    case 'sts:assumed-role':
      return steps.length === 2 ? ofRole(sources, accountId, steps[0]!, steps[1]!) : undefined
    default:
      return undefined
  }
}

async function ofRole(
  { accounts, identity, clock }: NamedPrincipalSources,
  accountId: string,
  roleName: string,
  sessionName: string,
): Promise<Principal | undefined> {
  const found = await identity.role(accountId, roleName)
  if (!found) return undefined
  const issuedAtMs = clock.nowMs()
  return sessionPrincipal(
    {
      bearer: { kind: 'role', roleName, roleId: found.role.roleId, sessionName },
      accountId,
      accessKeyId: '',
      secretAccessKey: '',
      issuedAtMs,
      expiresAtMs: issuedAtMs + HOUR_MS,
      policyArns: [],
      tags: {},
      transitiveTagKeys: [],
    },
    accounts,
    identity,
  )
}
