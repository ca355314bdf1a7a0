/** The KMS operations on grants, as rows, and the tokens that others take. */
import { Fault } from '../core/fault.ts'
import {
  GRANTABLE_OPERATIONS,
  type GrantConstraints,
  type GrantOperation,
  type KmsGrant,
} from '../keys/grant-records.ts'
import { type GrantReference, grantToken } from '../keys/grants.ts'
import type { Kms } from '../keys/kms.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import type { Output, ServiceOperation } from '../protocols/service-door.ts'
import { validation } from './errors.ts'
import { readMarker, truncation } from './paging.ts'

type Run = NonNullable<ServiceOperation<Kms>['run']>

const DEFAULT_LISTED = 50
const MAX_TOKENS = 10

export const GRANT_OPERATIONS = {
  CreateGrant: {
    readOnly: false,
    run: takingTokens(async (kms, call, input) => {
      if (input.has('GranteeServicePrincipal') || input.has('RetiringServicePrincipal')) {
        throw new Fault('KmsUnsupported', { message: 'Grants to services are not supported by this server.' })
      }
      const grant = await kms.grants.createGrant(call, {
        keyId: input.keyId(),
        granteePrincipal: input.text('GranteePrincipal', 256),
        retiringPrincipal: input.optionalText('RetiringPrincipal', 256, 1),
        operations: readOperations(input),
        constraints: readConstraints(input.structure('Constraints')),
        name: input.optionalMatching('Name', '[a-zA-Z0-9:/_-]+', 256),
        dryRun: input.flag('DryRun'),
      })
      return { GrantToken: grantToken(grant), GrantId: grant.grantId }
    }),
  },
  ListGrants: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? DEFAULT_LISTED
      const found = await kms.grants.listGrants(call, {
        keyId: input.keyId(),
        grantId: input.optionalText('GrantId', 128, 1),
        granteePrincipal: input.optionalText('GranteePrincipal', 256, 1),
        after: readMarker(input),
        limit: limit + 1,
      })
      // No grant here is a service's.
      if (input.optionalText('GranteeServicePrincipal', 256, 1) !== undefined) return { Grants: [], Truncated: false }
      const page = found.slice(0, limit)
      return { Grants: page.map(entry), ...truncation(found.length > limit, page.at(-1)?.grantId) }
    },
  },
  ListRetirableGrants: {
    readOnly: true,
    async run(kms, call, input) {
      const limit = input.optionalNumber('Limit', 1, 1000) ?? DEFAULT_LISTED
      const retiringPrincipal = input.text('RetiringPrincipal', 256)
      const found = await kms.grants.listRetirableGrants(call, retiringPrincipal, readMarker(input), limit + 1)
      const page = found.slice(0, limit)
      return {
        Grants: page.map(({ grant }) => entry(grant)),
        ...truncation(found.length > limit, page.at(-1)?.marker),
      }
    },
  },
  RetireGrant: {
    readOnly: false,
    async run(kms, call, input) {
      await kms.grants.retireGrant(call, readReference(input), input.flag('DryRun'))
      return {}
    },
  },
  RevokeGrant: {
    readOnly: false,
    async run(kms, call, input) {
      await kms.grants.revokeGrant(call, input.keyId(), input.text('GrantId', 128), input.flag('DryRun'))
      return {}
    },
  },
} satisfies Readonly<Record<string, ServiceOperation<Kms>>>

/** For operations that a grant may allow: the tokens they are sent must be of grants that there are. */
export function takingTokens(run: Run): Run {
  return async (kms: Kms, call: CallContext, input: Input): Promise<Output> => {
    const tokens = input.texts('GrantTokens')
    if (tokens.length > MAX_TOKENS) {
      throw input.constraint(
        'GrantTokens',
        `[${tokens}]`,
        `Member must have length less than or equal to ${MAX_TOKENS}`,
      )
    }
    for (const token of tokens) await kms.grants.checkToken(token)
    return run(kms, call, input)
  }
}

function readOperations(input: Input): readonly GrantOperation[] {
  const names = input.texts('Operations')
  if (names.length === 0) throw validation('At least one operation must be given.')
  return names.map((name) => {
    const operation = GRANTABLE_OPERATIONS.find((one) => one === name)
    if (operation !== undefined) return operation
    throw input.constraint(
      'Operations',
      `[${names.join(', ')}]`,
      `Member must satisfy enum value set: [${GRANTABLE_OPERATIONS.join(', ')}]`,
    )
  })
}

function readConstraints(given: Input | undefined): GrantConstraints | undefined {
  if (!given) return undefined
  const constraints = {
    ...(given.has('EncryptionContextEquals') && { EncryptionContextEquals: given.context('EncryptionContextEquals') }),
    ...(given.has('EncryptionContextSubset') && { EncryptionContextSubset: given.context('EncryptionContextSubset') }),
  }
  return Object.keys(constraints).length === 0 ? undefined : constraints
}

function readReference(input: Input): GrantReference {
  const token = input.optionalText('GrantToken', 8192, 1)
  if (token !== undefined) return { token }
  const [keyId, grantId] = [input.optionalText('KeyId', 2048, 1), input.optionalText('GrantId', 128, 1)]
  if (keyId !== undefined && grantId !== undefined) return { keyId, grantId }
  throw validation('Either a grant token, or a key id and a grant id, must be given.')
}

const entry = (grant: KmsGrant) => ({
  KeyId: grant.keyArn,
  GrantId: grant.grantId,
  Name: grant.name ?? '',
  CreationDate: grant.createdAtMs / 1000,
  GranteePrincipal: grant.granteePrincipal,
  RetiringPrincipal: grant.retiringPrincipal,
  IssuingAccount: grant.issuingAccount,
  Operations: grant.operations,
  Constraints: grant.constraints,
})
