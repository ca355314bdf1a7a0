/** What a grant allows (developer guide, "Grants in AWS KMS"): its operations, within its constraints. */
import { compilePolicy, type Policy } from '../policy/document.ts'
import type { KeyUse } from './condition-keys.ts'
import type { GrantConstraints, GrantTerms, KmsGrant } from './grant-records.ts'
import { factsOf } from './key-actions.ts'
import type { EncryptionContext } from './key-material.ts'

/** Whether the grant is about this use, whoever asks. */
export function covers(grant: GrantTerms, use: KeyUse): boolean {
  const operation = use.action.slice('kms:'.length)
  if (!grant.operations.some((one) => one === operation)) return false
  if (use.action === 'kms:CreateGrant') return use.grant !== undefined && isNoWider(use.grant, grant)
  return factsOf(use.action).usage !== 'ENCRYPT_DECRYPT' || holds(grant.constraints, use.encryptionContext ?? {})
}

/** Whoever was granted CreateGrant passes on no more than what they have. */
function isNoWider(child: GrantTerms, parent: GrantTerms): boolean {
  if (!child.operations.every((operation) => parent.operations.includes(operation))) return false
  const { EncryptionContextEquals: exact, EncryptionContextSubset: part } = parent.constraints ?? {}
  const given = child.constraints?.EncryptionContextEquals
  if (exact && !(given && isSame(given, exact))) return false
  return !part || includes(given ?? {}, part) || includes(child.constraints?.EncryptionContextSubset ?? {}, part)
}

function holds(constraints: GrantConstraints | undefined, context: EncryptionContext): boolean {
  const { EncryptionContextEquals: exact, EncryptionContextSubset: part } = constraints ?? {}
  return (!exact || isSame(context, exact)) && (!part || includes(context, part))
}

const includes = (context: EncryptionContext, part: EncryptionContext) =>
  Object.entries(part).every(([name, value]) => Object.hasOwn(context, name) && context[name] === value)
const isSame = (a: EncryptionContext, b: EncryptionContext) =>
  includes(a, b) && Object.keys(a).length === Object.keys(b).length

/** The grant as a resource policy, so that one engine decides and explains. */
export function grantPolicy(grant: KmsGrant): Policy {
  let policy = compiled.get(grant)
  if (!policy) {
    const { grantId, granteePrincipal, retiringPrincipal, operations } = grant
    policy = compilePolicy(
      {
        Version: '2012-10-17',
        Statement: [
          allow('Grantee', granteePrincipal, operations),
          ...(retiringPrincipal === undefined ? [] : [allow('RetiringPrincipal', retiringPrincipal, ['RetireGrant'])]),
        ],
      },
      'resource',
      `grant ${grantId}`,
    )
    compiled.set(grant, policy)
  }
  return policy
}

const allow = (Sid: string, principal: string, operations: readonly string[]) => ({
  Sid,
  Effect: 'Allow',
  Principal: { AWS: principal },
  Action: operations.map((operation) => `kms:${operation}`),
  Resource: '*',
})

const compiled = new WeakMap<KmsGrant, Policy>()
