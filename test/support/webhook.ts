/** A receiver of notifications: keeps what it is sent, and answers as it is told. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly envelope: Readonly<Record<string, string>>
  /** Of the envelope. */
  readonly message: Readonly<Record<string, unknown>>
}

export interface Webhook {
  readonly url: string
  readonly received: readonly Received[]
  /** The next one, or one that came already, for which `isWanted`. */
  wait(isWanted: (received: Received) => boolean): Promise<Received>
  /** Statuses of the next answers; after them it answers 200. */
  answer(...statuses: number[]): void
  close(): Promise<void>
}

/** Over TLS where it is given a certificate and its key, in PEM. */
export async function startWebhook(tls?: { readonly cert: string; readonly key: string }): Promise<Webhook> {
  const received: Received[] = []
  const statuses: number[] = []
  const waiting = new Set<() => void>()
  const take: RequestListener = (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const envelope = JSON.parse(Buffer.concat(pieces).toString())
      received.push({ headers: request.headers, envelope, message: JSON.parse(envelope.Message) })
      response.writeHead(statuses.shift() ?? 200).end()
      for (const look of waiting) look()
    })
  }
  const server = tls ? createTlsServer(tls, take) : createServer(take)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/alarms`,
    received,
    wait: (isWanted) =>
      new Promise((resolve) => {
        const look = () => {
          const found = received.find(isWanted)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
    answer: (...next) => statuses.push(...next),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
