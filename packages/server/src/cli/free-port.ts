import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Address } from '../http/listener.ts'

/**
 * Port 0 made definite, by asking the system for a port that is free now. Workers that were given 0 itself would come
 * up on other ports, should all of them be lost at once.
 */
export async function withDefinitePort<A extends Address>(address: A | undefined): Promise<A | undefined> {
  if (address?.port !== 0) return address
  const server = createServer().listen(0, address.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { ...address, port }
}
