/**
 * The yardsticks: bare node:http and node:https servers in a cluster, the path naming what is done with the bytes.
 * PUT /discarder/N drops them, /writer/N writes them to a file, /durable-writer/N also syncs file and folder before the
 * answer; GET /sender/N sends N bytes out of a file.
 *
 * Run with a folder, the number of workers, and the paths of a certificate and its key; prints its ports as JSON.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { closeSync, fsyncSync, openSync, read, readFileSync, writeFileSync } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { join } from 'node:path'
import { SIZES } from './matrix.mjs'

const [dir, workers, certPath, keyPath] = process.argv.slice(2)
const CHUNK_BYTES = 1024 * 1024

if (cluster.isPrimary) {
  for (const { bytes } of SIZES) writeFileSync(join(dir, `source-${bytes}`), Buffer.alloc(bytes, 7))
  cluster.schedulingPolicy = cluster.SCHED_NONE
  let ready = 0
  cluster.on('message', (_worker, ports) => {
    if (++ready === Number(workers)) process.stdout.write(`${JSON.stringify(ports)}\n`)
  })
  for (let i = 0; i < Number(workers); i++) cluster.fork()
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill()
    process.exit(0)
  })
} else {
  const sources = new Map(SIZES.map(({ bytes }) => [bytes, openSync(join(dir, `source-${bytes}`), 'r')]))
  const folder = openSync(dir, 'r')
  process.on('exit', () => closeSync(folder))
  let count = 0

  const handle = async (request, response) => {
    const [, what, size] = request.url.split('/')
    if (what === 'sender') return send(response, Number(size))
    if (what === 'discarder') {
      request.on('data', () => {})
      await once(request, 'end')
    } else {
      await write(request, join(dir, `${process.pid}-${count++}`), what === 'durable-writer')
    }
    response.writeHead(200, { 'content-length': '0' }).end()
  }

  const write = async (request, path, durable) => {
    const file = await open(`${path}.new`, 'w')
    for await (const chunk of request) await file.write(chunk)
    if (durable) await file.datasync()
    await file.close()
    await rename(`${path}.new`, path)
    if (durable) fsyncSync(folder)
    // What was written is not looked at again.
    await unlink(path)
  }

  const send = async (response, bytes) => {
    response.writeHead(200, { 'content-length': String(bytes) })
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - at))
      await new Promise((resolve, reject) => {
        read(sources.get(bytes), buffer, 0, buffer.length, at, (error) => (error ? reject(error) : resolve()))
      })
      if (!response.write(buffer)) await once(response, 'drain')
    }
    response.end()
  }

  const fail = (error, response) => {
    console.error(error)
    response.destroy()
  }
  const listener = (request, response) => {
    handle(request, response).catch((error) => fail(error, response))
  }
  const tls = { cert: readFileSync(certPath), key: readFileSync(keyPath) }
  const ports = {}
  // One after another: workers share what they ask for in the same order.
  for (const [scheme, server] of [
    ['http', createServer(listener)],
    ['https', createSecureServer(tls, listener)],
  ]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports[scheme] = server.address().port
  }
  process.send(ports)
}
