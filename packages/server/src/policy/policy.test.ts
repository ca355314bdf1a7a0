/** The corpus: decisions as data, each with the AWS page that it comes from; and properties that hold of any policies. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileCondition } from './condition.ts'
import conditions from './corpus/conditions.json' with { type: 'json' }
import decisions from './corpus/decisions.json' with { type: 'json' }
import matches from './corpus/matches.json' with { type: 'json' }
import { type Decision, decide, type Policies, prepare } from './decide.ts'
import { compilePolicy, readPolicy } from './document.ts'
import { PolicyError } from './policy-error.ts'
import type { PolicyPrincipal, PolicyRequest, RequestContext } from './request.ts'

const ALICE: RequestContext = new Map([['aws:username', ['alice']]])
const listOf = (value: string | string[]) => (Array.isArray(value) ? value : [value])

describe('conditions', () => {
  test.each(conditions.map((row) => [`${row.operator} ${row.policy} | ${row.request}: ${row.holds}`, row] as const))(
    '%s',
    (_name, { operator, policy, request, holds }) => {
      const test = compileCondition(operator, 'Key', listOf(policy), { variables: true })
      const context = new Map<string, readonly string[]>([['aws:username', ['alice']]])
      if (request !== null) context.set('key', listOf(request))
      expect(test(context)).toBe(holds)
    },
  )
})

describe('actions and resources', () => {
  test.each(matches.map((row) => [`${JSON.stringify(row.statement)} | ${row.action} ${row.resource}`, row] as const))(
    '%s',
    (_name, { statement, action, resource, matches: expected }) => {
      const policy = compilePolicy(
        { Version: '2012-10-17', Statement: { Effect: 'Allow', ...statement } },
        'identity',
        'p',
      )
      const request = prepare({ action, resource, principal: { kind: 'Anonymous' }, context: ALICE })
      const [compiled] = policy.statements
      expect(compiled!.matchesAction(request) && compiled!.matchesResource(request)).toBe(expected)
    },
  )
})

interface Row {
  readonly name: string
  readonly principal: PolicyPrincipal
  readonly policies: {
    readonly resource?: object[]
    readonly identity?: object[][]
    readonly boundary?: object[]
    readonly session?: object[][]
    readonly resourceMustAllow?: boolean
  }
  readonly context?: Readonly<Record<string, string[]>>
  readonly expected: string
  readonly missing?: string
}

const identity = (statements: object[]) =>
  compilePolicy({ Version: '2012-10-17', Statement: statements }, 'identity', 'identity')

function policiesOf({ policies }: Row): Policies {
  const { resource, boundary, session, resourceMustAllow = false } = policies
  return {
    resourceAccount: '111111111111',
    resource: resource && compilePolicy({ Version: '2012-10-17', Statement: resource }, 'resource', 'resource'),
    identity: (policies.identity ?? []).map(identity),
    boundary: boundary && identity(boundary),
    session: session?.map(identity),
    resourceMustAllow,
  }
}

const requestOf = ({ principal, context = {} }: Row): PolicyRequest => ({
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::bucket/key',
  principal,
  context: new Map(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values])),
})

const outcome = (decision: Decision) =>
  decision.allowed ? 'allow' : decision.explicit ? 'explicitDeny' : 'implicitDeny'

describe('decisions', () => {
  test.each((decisions as unknown as Row[]).map((row) => [row.name, row] as const))('%s', (_name, row) => {
    const decision = decide(requestOf(row), policiesOf(row))
    expect(outcome(decision)).toBe(row.expected)
    if (!decision.allowed && !decision.explicit && row.missing) expect(decision.missing).toBe(row.missing)
  })

  test('there are at least 400 rows, each from a page of AWS', () => {
    const all = [...conditions, ...matches, ...decisions] as readonly { source: string }[]
    expect(all.length).toBeGreaterThanOrEqual(400)
    for (const { source } of all) expect(source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//)
  })
})

describe('of any policies', () => {
  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Action: fc.constantFrom('*', 's3:*', 's3:GetObject', 's3:PutObject'),
    Resource: fc.constantFrom('*', 'arn:aws:s3:::bucket/*', 'arn:aws:s3:::other/*'),
  })
  const principal = fc.constantFrom(...(decisions as unknown as Row[]).map((row) => row.principal))
  const named = fc.constantFrom('*', { AWS: '111111111111' }, { AWS: 'arn:aws:iam::111111111111:user/alice' })
  const given = fc.record({
    principal,
    resource: fc.array(
      fc.tuple(statement, named).map(([one, Principal]) => ({ ...one, Principal })),
      { minLength: 1, maxLength: 4 },
    ),
    identity: fc.array(statement, { minLength: 1, maxLength: 4 }),
    resourceMustAllow: fc.boolean(),
  })
  type Given = { principal: PolicyPrincipal; resource: object[]; identity: object[]; resourceMustAllow: boolean }
  const decided = ({ principal: who, resource, identity: own, resourceMustAllow }: Given) => {
    const row = { name: '', principal: who, policies: { resource, identity: [own], resourceMustAllow }, expected: '' }
    return outcome(decide(requestOf(row), policiesOf(row)))
  }

  test('a Deny more never widens, an Allow more never narrows', () => {
    fc.assert(
      fc.property(given, statement, named, (before, extra, Principal) => {
        for (const after of [
          { ...before, identity: [...before.identity, extra] },
          { ...before, resource: [...before.resource, { ...extra, Principal }] },
        ]) {
          const [was, is] = [decided(before), decided(after)]
          if (extra.Effect === 'Deny' && was !== 'allow') expect(is).not.toBe('allow')
          if (extra.Effect === 'Allow' && was === 'allow') expect(is).toBe('allow')
        }
      }),
    )
  })

  test('the order of statements does not matter', () => {
    fc.assert(
      fc.property(given, (before) => {
        const after = { ...before, identity: before.identity.toReversed(), resource: before.resource.toReversed() }
        expect(decided(after)).toBe(decided(before))
      }),
    )
  })
})

describe('documents that cannot be', () => {
  const good = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }
  test.each<[string, unknown, string]>([
    ['no object', [], "Policies must be valid JSON and the first byte must be '{'"],
    ['no statement', {}, 'Missing required field Statement'],
    ['another version', { Version: '2020-01-01', Statement: good }, 'The policy must contain a valid version string'],
    ['an unknown field', { Statement: { ...good, Actoin: 'x' } }, 'Unknown field Actoin'],
    ['no effect', { Statement: { ...good, Effect: undefined } }, 'Missing required field Effect'],
    ['another effect', { Statement: { ...good, Effect: 'allow' } }, 'Invalid effect: allow'],
    ['no principal', { Statement: { ...good, Principal: undefined } }, 'Missing required field Principal'],
    ['a principal that is none', { Statement: { ...good, Principal: 'alice' } }, 'Invalid principal in policy'],
    [
      'an ARN that is no principal',
      { Statement: { ...good, Principal: { AWS: 'arn:aws:s3:::b' } } },
      'Invalid principal in policy',
    ],
    ['an unknown type', { Statement: { ...good, Principal: { Google: '*' } } }, 'Invalid principal in policy'],
    ['no action', { Statement: { ...good, Action: undefined } }, 'Missing required field Action'],
    ['both', { Statement: { ...good, NotAction: 's3:*' } }, 'Statement must not contain both Action and NotAction'],
    ['a resource that is none', { Statement: { ...good, Resource: 'b/*' } }, 'Policy has invalid resource'],
    [
      'an operator',
      { Statement: { ...good, Condition: { StringLikes: { a: 'b' } } } },
      'Invalid Condition type : StringLikes',
    ],
    [
      'a value',
      { Statement: { ...good, Condition: { Bool: { a: 'maybe' } } } },
      'Invalid value in condition Bool : maybe',
    ],
    [
      'a network',
      { Statement: { ...good, Condition: { IpAddress: { a: '10.0.0.0/33' } } } },
      'Invalid value in condition IpAddress : 10.0.0.0/33',
    ],
    [
      'two of one name',
      {
        Statement: [
          { ...good, Sid: 'a' },
          { ...good, Sid: 'a' },
        ],
      },
      'Statement IDs (SID) in a single policy must be unique.',
    ],
  ])('%s', (_name, document, message) => {
    const text = JSON.stringify(document)
    expect(() => readPolicy(text, 'resource', 'p')).toThrow(new PolicyError(message))
  })

  test('an identity policy names nobody', () => {
    const text = JSON.stringify({ Statement: good })
    expect(() => readPolicy(text, 'identity', 'p')).toThrow('Policy document should not specify a principal.')
  })

  test('in a document of 2008 a variable is text', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a variable of policies
    const Resource = 'arn:aws:s3:::b/${aws:username}'
    const { statements } = compilePolicy(
      {
        Version: '2008-10-17',
        Statement: { ...good, Principal: undefined, Resource },
      },
      'identity',
      'p',
    )
    const about = (resource: string) =>
      statements[0]!.matchesResource(
        prepare({ action: 's3:GetObject', resource, principal: { kind: 'Anonymous' }, context: ALICE }),
      )
    expect(about('arn:aws:s3:::b/alice')).toBe(false)
    expect(about(Resource)).toBe(true)
  })
})

test('what a policy mentions, in whatever case it is written', () => {
  const Condition = { StringEquals: { 'S3:existingObjectTag/Team': '$' + '{aws:PrincipalTag/Team}' } }
  const policy = identity([{ Effect: 'Allow', Action: '*', Resource: '*', Condition }])
  expect(policy.mentions('s3:existingobjecttag/')).toBe(true)
  expect(policy.mentions('aws:principaltag/')).toBe(true)
  expect(policy.mentions('s3:requestobjecttag/')).toBe(false)
  const escaped = readPolicy(
    '{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"\\u00733:ExistingObjectTag/a":"true"}}}}',
    'identity',
    'escaped',
  )
  expect(escaped.mentions('s3:existingobjecttag/')).toBe(true)
})
