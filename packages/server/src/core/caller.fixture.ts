import type { CallContext } from './principal.ts'

/** A caller over TLS, for tests. */
export const call: CallContext = {
  principal: {
    accountId: '111111111111',
    arn: 'arn:aws:iam::111111111111:user/a',
    principalId: 'AIDA',
    principalType: 'IAMUser',
    userName: 'a',
    accessKeyId: 'AKIA',
    canonicalId: 'c',
    displayName: 'd',
  },
  requestId: 'R',
  sourceIp: '127.0.0.1',
  userAgent: undefined,
  secureTransport: true,
  signatureVersion: 'v4',
  region: 'us-east-1',
  via: undefined,
}
