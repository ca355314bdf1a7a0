/**
 * Sockets: one plain and one TLS server over the same doors.
 *
 * Node's own request timeout would cut long uploads, so it is off; what bounds a slow client instead are the time for
 * its headers and the time a connection may stay silent.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Door, Exchange } from '../core/exchange.ts'
import type { ServiceName } from '../core/outcome.ts'
import type { ConnectionReader } from './connection.ts'
import { serviceOf } from './dispatch.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ListenerOptions {
  readonly http: Address | undefined
  readonly https: (Address & { readonly certPath: string; readonly keyPath: string }) | undefined
  /** Asked for each request: they change when the root key comes. */
  readonly doors: () => Readonly<Partial<Record<ServiceName, Door>>>
  /** Paths under `/-/`. */
  readonly ownDoor: Door
  /** Lets a door handle a request in its stead, within a trace. */
  readonly traced?: ((exchange: Exchange, door: Door) => Promise<void>) | undefined
  /** Answers for services that are not here. */
  readonly absentDoor: Door
  readonly connections: ConnectionReader
  readonly nowMs: () => number
  /** Told of a certificate that could not be loaded anew; the old one stays in use. */
  readonly onCertificateError: (error: unknown) => void
}

/** What clients hold at this moment. */
export interface ListenerLoad {
  readonly connections: { readonly http: number; readonly https: number }
  readonly requestsInFlight: number
}

export interface Listener {
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
  load(): ListenerLoad
  /** Loads certificate and key anew where the files have changed. */
  reloadCertificate(): void
  /** Refuses new connections, lets requests under way finish, then resolves. */
  drain(): Promise<void>
}

export async function listen(options: ListenerOptions): Promise<Listener> {
  const inFlight = new Set<ServerResponse>()
  let draining = false

  const accept = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const url = request.url ?? '/'
    const exchange: Exchange = {
      request,
      response,
      requestId: requestId(),
      ...options.connections.read(request),
      expectsContinue,
      startedAtMs: options.nowMs(),
    }
    inFlight.add(response)
    response.once('close', () => inFlight.delete(response))
    if (draining) response.setHeader('connection', 'close')
    const door = doorFor(options, url, request)
    void (options.traced ? options.traced(exchange, door) : door.handle(exchange))
  }

  const servers: (Server | TlsServer)[] = []
  const connections = { http: 0, https: 0 }
  const start = async (
    server: Server | TlsServer,
    address: Address,
    transport: keyof typeof connections,
  ): Promise<number> => {
    server.on('connection', (socket: Socket) => {
      connections[transport]++
      socket.once('close', () => connections[transport]--)
    })
    server.on('request', accept(false))
    server.on('checkContinue', accept(true))
    server.requestTimeout = 0
    server.headersTimeout = HEADERS_TIMEOUT_MS
    server.keepAliveTimeout = KEEP_ALIVE_MS
    server.timeout = SILENCE_MS
    server.maxRequestsPerSocket = 0
    servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return (server.address() as AddressInfo).port
  }

  const limits = { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 5_000, noDelay: true }
  const httpPort = options.http ? await start(createServer(limits), options.http, 'http') : undefined
  const { https } = options
  let tlsServer: TlsServer | undefined
  let loadedAt = ''
  let httpsPort: number | undefined
  if (https) {
    loadedAt = stamp(https)
    tlsServer = createTlsServer({ ...limits, ...pair(https), minVersion: 'TLSv1.2', handshakeTimeout: 10_000 })
    httpsPort = await start(tlsServer, https, 'https')
  }

  return {
    httpPort,
    httpsPort,
    load: () => ({ connections: { ...connections }, requestsInFlight: inFlight.size }),
    reloadCertificate() {
      if (!https || !tlsServer) return
      try {
        const now = stamp(https)
        if (now === loadedAt) return
        tlsServer.setSecureContext({ ...pair(https), minVersion: 'TLSv1.2' })
        loadedAt = now
      } catch (error) {
        options.onCertificateError(error)
      }
    },
    async drain() {
      draining = true
      const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
      for (const response of inFlight) if (!response.headersSent) response.setHeader('connection', 'close')
      await Promise.all([...inFlight].map((response) => new Promise((resolve) => response.once('close', resolve))))
      // What is left are connections without a request, some of which Node does not count as idle.
      for (const server of servers) server.closeAllConnections()
      await Promise.all(closed)
    },
  }
}

function doorFor(options: ListenerOptions, url: string, request: IncomingMessage): Door {
  if (url.startsWith('/-/')) return options.ownDoor
  const service = serviceOf(url, request.headers)
  return (service === 'unknown' ? undefined : options.doors()[service]) ?? options.absentDoor
}

const pair = (files: { certPath: string; keyPath: string }) => ({
  cert: readFileSync(files.certPath),
  key: readFileSync(files.keyPath),
})

/** Changes whenever one of the two files does. */
const stamp = (files: { certPath: string; keyPath: string }) =>
  [files.certPath, files.keyPath]
    .map((path) => statSync(path))
    .map((facts) => `${facts.ino}:${facts.mtimeMs}:${facts.size}`)
    .join()

/** AWS's request ids are 16 characters of upper-case base 32. */
function requestId(): string {
  if (idAt + 10 > idBytes.length) {
    idBytes = randomBytes(10 * 256)
    idAt = 0
  }
  let id = ''
  for (let i = 0; i < 2; i++) {
    const bits = idBytes.readUIntBE(idAt + i * 5, 5)
    for (let shift = 35; shift >= 0; shift -= 5) id += BASE32[Math.floor(bits / 2 ** shift) % 32]
  }
  idAt += 10
  return id
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
let idBytes = Buffer.alloc(0)
let idAt = 0

const MAX_HEADER_BYTES = 32 * 1024
const HEADERS_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 75_000
const SILENCE_MS = 120_000
