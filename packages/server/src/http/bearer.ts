/** Who may read the server's own facts: whoever has the token, or where there is none, whoever asks on this machine. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'

export interface ReadAccess {
  readonly token: string | undefined
  /** Without a token: anybody, from anywhere. */
  readonly open: boolean
}

export type ReadRefusal = 'token' | 'address'

/** Undefined where the request may read. */
export function refusalToRead({ token, open }: ReadAccess, request: IncomingMessage): ReadRefusal | undefined {
  if (token !== undefined) return isBearer(request.headers.authorization, token) ? undefined : 'token'
  return open || isLoopback(request.socket.localAddress) ? undefined : 'address'
}

/** Takes the same time for every wrong token. */
function isBearer(authorization: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  return timingSafeEqual(digest(given ?? ''), digest(token)) && given !== undefined
}

/** Whether the connection came to an address that nobody outside of this machine reaches. */
function isLoopback(localAddress: string | undefined): boolean {
  return localAddress !== undefined && LOOPBACK.check(localAddress, isIPv6(localAddress) ? 'ipv6' : 'ipv4')
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** IPv4 addresses in IPv6 form are found by themselves. */
const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')
