import { expect, test } from 'vitest'
import {
  type CommitmentPolicy,
  contentAlgorithmToWrite,
  type LegacySwitches,
  requireReadable,
} from './commitment-policy.ts'
import type { Envelope } from './envelope/envelope.ts'
import type { EncryptionErrorCode } from './errors.ts'
import type { ContentAlgorithm, WrapAlgorithm } from './suites.ts'

const envelope = (contentAlgorithm: ContentAlgorithm, algorithm: WrapAlgorithm) =>
  ({
    format: 'any',
    contentAlgorithm,
    wrapped: [{ algorithm, bytes: new Uint8Array(), description: {} }],
  }) as unknown as Envelope

const REQUIRE = 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT'
const ALLOW = 'REQUIRE_ENCRYPT_ALLOW_DECRYPT'
const FORBID = 'FORBID_ENCRYPT_ALLOW_DECRYPT'
const GCM = 'AES/GCM/NoPadding'
const CBC = 'AES/CBC/PKCS5Padding'
const wraps: LegacySwitches = { enableLegacyWrappingAlgorithms: true }
const modes: LegacySwitches = { enableLegacyUnauthenticatedModes: true }

test.each<[ContentAlgorithm, WrapAlgorithm, CommitmentPolicy, LegacySwitches, EncryptionErrorCode?]>([
  ['115', 'AES/GCM', REQUIRE, {}],
  ['115', 'AES/GCM', FORBID, {}],
  ['strongroom/sealed/1', 'RSA-OAEP-SHA1', REQUIRE, {}],
  [GCM, 'kms+context', REQUIRE, {}, 'CommitmentPolicyForbids'],
  [GCM, 'kms+context', REQUIRE, { ...wraps, ...modes }, 'CommitmentPolicyForbids'],
  [GCM, 'kms+context', ALLOW, {}],
  [GCM, 'kms+context', FORBID, {}],
  [GCM, 'kms', ALLOW, {}, 'LegacyWrappingDisabled'],
  [GCM, 'kms', ALLOW, modes, 'LegacyWrappingDisabled'],
  [GCM, 'kms', ALLOW, wraps],
  [GCM, 'AESWrap', FORBID, wraps],
  [CBC, 'AES', ALLOW, {}, 'UnauthenticatedModesDisabled'],
  [CBC, 'AES', ALLOW, wraps, 'UnauthenticatedModesDisabled'],
  [CBC, 'AES', ALLOW, modes, 'LegacyWrappingDisabled'],
  [CBC, 'AES', ALLOW, { ...wraps, ...modes }],
  [CBC, 'AES', REQUIRE, { ...wraps, ...modes }, 'CommitmentPolicyForbids'],
])('%s wrapped by %s, under %s with %o: %s', (content, wrap, commitmentPolicy, switches, code) => {
  const read = () => requireReadable(envelope(content, wrap), { commitmentPolicy, ...switches })
  if (code) expect(read).toThrow(expect.objectContaining({ code }))
  else expect(read).not.toThrow()
})

test('what a policy writes', () => {
  expect([REQUIRE, ALLOW, FORBID].map((policy) => contentAlgorithmToWrite(policy as CommitmentPolicy))).toEqual([
    '115',
    '115',
    GCM,
  ])
})
