/** An HTTP proxy for HTTPS (`CONNECT`) that leads to one server, whatever name is asked for: a client then believes to be at AWS. */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ConnectProxy {
  readonly url: string
  /** Names and ports that were asked for. */
  readonly asked: ReadonlySet<string>
  close(): Promise<void>
}

export async function startConnectProxy(endpoint: string): Promise<ConnectProxy> {
  const { hostname, port } = new URL(endpoint)
  const asked = new Set<string>()
  const sockets = new Set<Socket>()
  const server: Server = createServer()
  server.on('connect', (request, client: Socket, head: Buffer) => {
    asked.add(request.url ?? '')
    const upstream = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      client.pipe(upstream).pipe(client)
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
