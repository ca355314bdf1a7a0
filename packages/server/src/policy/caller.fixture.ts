import type { CallContext, Principal } from './call.ts'

/** The root user of an account over TLS, for tests of rooms below the doors: every bucket is open to it. */
export const call: CallContext = {
  principal: rootOf('111111111111'),
  requestId: 'R',
  atMs: 1_700_000_000_000,
  sourceIp: '127.0.0.1',
  userAgent: undefined,
  referer: undefined,
  secureTransport: true,
  tlsVersion: 'TLSv1.3',
  signature: { version: 'v4', by: 'header', ageMs: 0 },
  region: 'us-east-1',
  via: undefined,
  openedBuckets: { has: () => true },
  decided: () => undefined,
}

export function rootOf(accountId: string): Principal {
  const arn = `arn:aws:iam::${accountId}:root`
  return {
    accountId,
    arn,
    principalId: accountId,
    principalType: 'Root',
    userName: undefined,
    accessKeyId: 'AKIA',
    canonicalId: 'c',
    displayName: 'd',
    named: { kind: 'Account', accountId, arn, canonicalId: 'c' },
    permissions: { identity: [], boundary: undefined, session: undefined },
    tags: {},
  }
}
