/** What the audit trail may tell of requests and replies, held against what AWS's models call sensitive or bytes. */
import * as iam from '@aws-sdk/client-iam'
import * as kms from '@aws-sdk/client-kms'
import * as quotas from '@aws-sdk/client-service-quotas'
import * as sts from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { auditedMembers, SECRET_MEMBERS } from './audited-members.ts'

test('names begin with a lower-case letter, at every depth', () => {
  const members = {
    KeyId: 'k',
    Tags: [{ TagKey: 'a', TagValue: 'b' }],
    Constraints: { EncryptionContextEquals: { A: 'B' } },
  }
  expect(auditedMembers(members)).toEqual({
    keyId: 'k',
    tags: [{ tagKey: 'a', tagValue: 'b' }],
    constraints: { encryptionContextEquals: { A: 'B' } },
  })
})

test('an encryption context keeps its own names', () => {
  expect(auditedMembers({ EncryptionContext: { Department: 'IT', Plaintext: 'a name like any other' } })).toEqual({
    encryptionContext: { Department: 'IT', Plaintext: 'a name like any other' },
  })
})

test('secrets are left out at every depth; nothing at all is null', () => {
  expect(auditedMembers({ Plaintext: 's' })).toBeNull()
  expect(auditedMembers({ Credentials: { AccessKeyId: 'A', SecretAccessKey: 's', SessionToken: 's' } })).toEqual({
    credentials: { accessKeyId: 'A' },
  })
  expect(auditedMembers({ List: [{ Signature: 's' }], Bytes: Buffer.from('s') })).toEqual({ list: [{}] })
})

/** Sensitive to AWS, and no secret here: facts of stores and services that are refused, and a report that is never made. */
const NO_SECRETS = new Set(['AccessKeyId', 'Content', 'Subject', 'SubjectType', 'Issuer'])

describe.each([
  ['KMS', kms],
  ['IAM', iam],
  ['STS', sts],
  ['Service Quotas', quotas],
])('the model of %s', (_title, client) => {
  test('has no sensitive member that would be told', () => {
    const structures = Object.values(client as Record<string, unknown>).filter(isStructure)
    expect(structures.length).toBeGreaterThan(10)
    const told = structures.flatMap(([, , , , names, schemas]) =>
      names.filter((name, i) => isSecret(schemas[i]) && !SECRET_MEMBERS.has(name) && !NO_SECRETS.has(name)),
    )
    expect(told).toEqual([])
  })
})

/** As @smithy/core has schemas: `[3, namespace, name, traits, member names, member schemas]` is a structure. */
type Structure = readonly [3, string, string, unknown, readonly string[], readonly unknown[]]
const isStructure = (value: unknown): value is Structure =>
  Array.isArray(value) && value[0] === 3 && Array.isArray(value[4])

const BLOB = 21
const SENSITIVE = 8

function isSecret(schema: unknown): boolean {
  if (typeof schema === 'function') return isSecret(schema())
  if (schema === BLOB) return true
  if (!Array.isArray(schema)) return false
  if (typeof schema[0] === 'number') {
    const [kind, , , traits, of] = schema
    return isSensitive(traits) || (kind === 0 && isSecret(of))
  }
  return isSensitive(schema[1]) || isSecret(schema[0])
}

const isSensitive = (traits: unknown) => typeof traits === 'number' && (traits & SENSITIVE) !== 0
