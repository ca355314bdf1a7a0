import { readFileSync } from 'node:fs'
import pino from 'pino'
import { expect, test } from 'vitest'
import type { Outcome } from '../core/outcome.ts'
import { RequestLog } from './request-log.ts'

const OUTCOME: Outcome = {
  service: 's3',
  operation: 'GetObject',
  requestId: 'R2',
  viaRequestId: 'R1',
  startedAtMs: 1,
  durationMs: 2.0004,
  status: 403,
  errorCode: 'AccessDenied',
  caller: {
    accountId: '000000000000',
    arn: 'arn:aws:iam::000000000000:root',
    principalId: '000000000000',
    principalType: 'Root',
    userName: undefined,
    accessKeyId: 'AKID',
  },
  sourceIp: '10.0.0.1',
  userAgent: 'agent',
  tls: { version: 'TLSv1.3', cipher: 'x' },
  bytesIn: 3,
  bytesOut: 4,
  readOnly: true,
  bucket: 'b',
  objectKey: 'o',
  versionId: 'v',
  encryption: 'aws:kms',
  kmsKeyArn: 'arn:aws:kms:…',
  encryptionContext: { a: 'b' },
  decisions: [{ action: 's3:GetObject', resource: 'r', decision: 'ImplicitDeny', by: [], missing: 'identity-based' }],
}

function lineOf(outcome: Outcome, traceId?: () => string): Record<string, unknown> {
  const lines: string[] = []
  new RequestLog(pino({ base: { pid: 1 } }, { write: (line: string) => lines.push(line) }), traceId).observe(outcome)
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0]!)
}

test('one line for an outcome, of named facts only', () => {
  expect(lineOf(OUTCOME, () => 'T')).toMatchObject({
    event: 'request',
    requestId: 'R2',
    traceId: 'T',
    error: 'AccessDenied',
    refused: ['s3:GetObject on r: no identity-based policy'],
    accessKeyId: 'AKID',
    key: 'o',
    ms: 2,
  })
  expect(lineOf(OUTCOME)).not.toHaveProperty('traceId')
})

test('docs/operations.md tells every field of a line, in order, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
  const table = page.slice(page.indexOf('| Field | |'), page.indexOf('The other events'))
  const told = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field)
  const common = ['level', 'time', 'pid', 'event']
  expect([...common, ...told]).toEqual(Object.keys(lineOf(OUTCOME, () => 'T')))
})
