/** Which journal an event goes to, and what waits for it. */
import { expect, test } from 'vitest'
import type { CallerFacts, Outcome } from '../core/outcome.ts'
import { AuditTrail } from './audit-trail.ts'

const user: CallerFacts = {
  ...{ accountId: '111111111111', arn: 'arn:aws:iam::111111111111:user/ann', principalId: 'AIDA1' },
  ...{ principalType: 'IAMUser', userName: 'ann', accessKeyId: 'AKIA1' },
}
const anonymous: CallerFacts = { ...user, principalType: 'AWSAccount', accessKeyId: undefined }
const outcome = (category: 'Management' | 'Data', caller: CallerFacts | undefined): Outcome => ({
  ...{ service: 'kms', operation: 'ListKeys', requestId: 'R', startedAtMs: 0, durationMs: 1, status: 200 },
  ...{ errorCode: undefined, caller, sourceIp: '192.0.2.1', userAgent: undefined, tls: undefined },
  ...{ bytesIn: 0, bytesOut: 0, readOnly: true, audit: { category, requestParameters: () => null } },
})

function recorded(one: Outcome, dataEvents = true): string[] {
  const done: string[] = []
  const sink = {
    async keep(journal: string) {
      done.push(`${journal}, waited for`)
    },
    add: (journal: string) => void done.push(journal),
    payloadOf: () => 0,
  }
  const waits = new AuditTrail({ sink, operatorsAccount: '000000000000', dataEvents }).record(one)
  expect(waits !== undefined).toBe(done[0]?.endsWith('waited for') ?? false)
  return done
}

test.each<[string, Outcome, string[]]>([
  ['management by somebody', outcome('Management', user), ['management, waited for']],
  [
    'management by a service',
    outcome('Management', { ...anonymous, principalType: 'AWSService' }),
    ['management, waited for'],
  ],
  [
    'a session of a web identity',
    outcome('Management', { ...anonymous, principalType: 'WebIdentityUser' }),
    ['management, waited for'],
  ],
  ['management by nobody known', outcome('Management', undefined), ['data']],
  ['management by an anonymous caller', outcome('Management', anonymous), ['data']],
  ['an object', outcome('Data', user), ['data']],
  ['what is on no record', { ...outcome('Data', user), audit: undefined }, []],
])('%s', (_name, one, expected) => {
  expect(recorded(one)).toEqual(expected)
})

test('events on objects may be left out, and nothing else', () => {
  expect(recorded(outcome('Data', user), false)).toEqual([])
  expect(recorded(outcome('Management', user), false)).toEqual(['management, waited for'])
})
