/** Pages for a browser: bundled by Vite, and served from memory on localhost, which browsers take for a secure origin. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build, type InlineConfig, type Rolldown } from 'vite'

export type Files = ReadonlyMap<string, string | Uint8Array>

/** What Vite makes of a configuration, by path from the site's root; writes nothing. */
export async function bundled(config: InlineConfig): Promise<Files> {
  const options = { configFile: false, logLevel: 'error', ...config, build: { ...config.build, write: false } } as const
  const outputs = [await build(options)].flat() as Rolldown.RolldownOutput[]
  return new Map(
    outputs
      .flatMap(({ output }) => output)
      .map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
  )
}

export interface Site {
  /** As browsers send it in Origin. */
  readonly origin: string
  close(): Promise<void>
}

export async function serveSite(files: Files): Promise<Site> {
  const server = createServer(({ url = '/' }, reply) => {
    const path = url === '/' ? '/index.html' : url
    const content = files.get(path)
    if (content === undefined) return void reply.writeHead(404).end()
    reply.writeHead(200, { 'content-type': TYPES[path.slice(path.lastIndexOf('.'))] }).end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}
