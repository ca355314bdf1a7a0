import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { refusalToRead } from './bearer.ts'

const request = (authorization: string | undefined, localAddress: string | undefined) =>
  ({ headers: { authorization }, socket: { localAddress } }) as IncomingMessage

const token = 'a-token'
test.each([
  // Without a token it depends on where the connection came to.
  [{ token: undefined, open: false }, undefined, '127.0.0.1', undefined],
  [{ token: undefined, open: false }, undefined, '127.1.2.3', undefined],
  [{ token: undefined, open: false }, undefined, '::1', undefined],
  [{ token: undefined, open: false }, undefined, '::ffff:127.0.0.1', undefined],
  [{ token: undefined, open: false }, undefined, '10.0.0.1', 'address'],
  [{ token: undefined, open: false }, undefined, '::ffff:10.0.0.1', 'address'],
  [{ token: undefined, open: false }, undefined, 'fe80::1', 'address'],
  // The other end has gone meanwhile.
  [{ token: undefined, open: false }, undefined, undefined, 'address'],
  [{ token: undefined, open: true }, undefined, '10.0.0.1', undefined],
  // With one it is wanted everywhere.
  [{ token, open: false }, 'Bearer a-token', '10.0.0.1', undefined],
  [{ token, open: false }, 'bearer a-token', '127.0.0.1', undefined],
  [{ token, open: false }, undefined, '127.0.0.1', 'token'],
  [{ token, open: false }, 'Bearer a-toke', '127.0.0.1', 'token'],
  [{ token, open: false }, 'Bearer a-token2', '127.0.0.1', 'token'],
  [{ token, open: false }, 'Bearer ', '127.0.0.1', 'token'],
  [{ token, open: false }, 'Basic a-token', '127.0.0.1', 'token'],
  [{ token, open: false }, 'a-token', '127.0.0.1', 'token'],
] as const)('%j, %s, to %s: %s', (access, authorization, localAddress, refusal) => {
  expect(refusalToRead(access, request(authorization, localAddress))).toBe(refusal)
})
