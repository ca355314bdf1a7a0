/** What a connection tells of a request: whether it came over TLS, and from which address. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { TlsFacts } from '../core/outcome.ts'

export interface ConnectionFacts {
  readonly secure: boolean
  readonly tls: TlsFacts | undefined
  readonly sourceIp: string
}

/**
 * Reads the facts of a request's connection. Forwarding headers count only where the peer itself is a trusted proxy,
 * and then only the value that this last hop added (the rightmost); anybody can send the others.
 */
export class ConnectionReader {
  readonly #trusted: BlockList
  readonly #any: boolean

  /** `trustedProxies`: addresses or CIDR blocks. Throws a TypeError on one that is neither. */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = new BlockList()
    this.#any = trustedProxies.length > 0
    for (const entry of trustedProxies) {
      const [address = '', prefix] = entry.split('/')
      const version = isIP(address)
      if (version === 0) throw new TypeError(`not an address or CIDR block: ${entry}`)
      const family = version === 6 ? 'ipv6' : 'ipv4'
      if (prefix === undefined) this.#trusted.addAddress(address, family)
      else this.#trusted.addSubnet(address, Number(prefix), family)
    }
  }

  read(request: IncomingMessage): ConnectionFacts {
    const socket = request.socket as TLSSocket
    const peer = plainAddress(socket.remoteAddress)
    const direct: ConnectionFacts = { secure: socket.encrypted === true, tls: tlsFacts(socket), sourceIp: peer }
    if (!this.#any || !this.#trusted.check(peer, isIP(peer) === 6 ? 'ipv6' : 'ipv4')) return direct
    const proto = lastValue(request.headers['x-forwarded-proto'])
    const source = lastValue(request.headers['x-forwarded-for'])
    return {
      secure: proto === undefined ? direct.secure : proto.toLowerCase() === 'https',
      tls: undefined,
      sourceIp: source !== undefined && isIP(source) !== 0 ? source : peer,
    }
  }
}

/** Read once a connection: cipher and version do not change within it (TLS 1.3 key updates keep both). */
const factsBySocket = new WeakMap<TLSSocket, TlsFacts>()

function tlsFacts(socket: TLSSocket): TlsFacts | undefined {
  if (socket.encrypted !== true) return undefined
  let facts = factsBySocket.get(socket)
  if (!facts) {
    facts = { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher()?.name ?? 'unknown' }
    factsBySocket.set(socket, facts)
  }
  return facts
}

/** IPv4 addresses that came over a dual-stack socket are told in IPv4 form. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function lastValue(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  const text = typeof header === 'string' ? header : header.join(',')
  const value = text.slice(text.lastIndexOf(',') + 1).trim()
  return value === '' ? undefined : value
}
