/**
 * The control socket of a running server, in its data folder: commands of whoever owns the folder reach the primary here
 * and nowhere else. One JSON line asks, JSON lines answer, and the end of the stream ends the answer.
 */
import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { RootKeySettings } from './config-file.ts'
import type { RotationEnd, RotationProgress } from './root-key-rotation.ts'

export interface ControlRequest {
  readonly command: 'rotate-root'
  readonly to: RootKeySettings | undefined
  readonly endSessions: boolean
}

export type ControlAnswer =
  | ({ readonly event: 'progress' } & RotationProgress)
  | { readonly event: 'end'; readonly end: RotationEnd }
  | { readonly event: 'failed'; readonly message: string }

/** A socket's address has room for no more; longer ones cannot be had. */
const MOST_PATH_BYTES = 103

export const controlPath = (dataDir: string) => join(dataDir, 'control.sock')

/** Undefined where the folder's path is too long for a socket. */
export async function listenForControl(
  dataDir: string,
  handle: (request: ControlRequest, say: (answer: ControlAnswer) => void) => Promise<void>,
): Promise<{ close(): Promise<void> } | undefined> {
  const path = controlPath(dataDir)
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) return undefined
  // One that is left over from a killed server; the lock of the folder says that there is no other.
  await rm(path, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    // Whoever asked may go; what was asked for goes on.
    socket.on('error', () => {})
    const say = (answer: ControlAnswer) => socket.writable && socket.write(`${JSON.stringify(answer)}\n`)
    createInterface({ input: socket }).once('line', (line) => {
      Promise.resolve()
        .then(() => handle(JSON.parse(line) as ControlRequest, say))
        .catch((error: Error) => say({ event: 'failed', message: error.message }))
        .finally(() => socket.end())
    })
  })
  server.listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return {
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** The answers of the server that serves from this folder; undefined where there is none. */
export async function askServer(
  dataDir: string,
  request: ControlRequest,
): Promise<AsyncIterable<ControlAnswer> | undefined> {
  const socket = connect(controlPath(dataDir))
  try {
    await once(socket, 'connect')
  } catch {
    return undefined
  }
  socket.write(`${JSON.stringify(request)}\n`)
  return (async function* () {
    for await (const line of createInterface({ input: socket })) yield JSON.parse(line) as ControlAnswer
  })()
}
