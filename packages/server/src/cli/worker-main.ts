/** The entry of a worker process: waits for its orders on the channel, never on the command line or environment. */
import type { ToPrimary, ToWorker } from './channel.ts'
import { exitCodeFor } from './exit.ts'
import { type RunningWorker, runWorker } from './worker.ts'

const say = (message: ToPrimary) => process.send?.(message)

let starting: Promise<RunningWorker | undefined> | undefined
let running: RunningWorker | undefined

function fail(error: Error): undefined {
  say({ type: 'failed', message: error.stack ?? error.message, exitCode: exitCodeFor(error) })
  process.disconnect()
}

// Signals go to the whole process group in a terminal; the primary alone decides what they mean.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('SIGHUP', () => {})
// Without the primary nobody could tell this process to stop, nor replace it.
process.on('disconnect', () => process.exit(0))

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'start':
      starting = runWorker(message.start, say).then((worker) => {
        running = worker
        say({ type: 'ready', httpPort: worker.httpPort, httpsPort: worker.httpsPort })
        return worker
      }, fail)
      break
    case 'store-key':
      void starting
        ?.then((worker) => worker?.takeStoreKey(message.storeKey))
        .then(() => say({ type: 'took-store-key', id: message.id }), fail)
      break
    case 'ask':
      say({ type: 'answer', id: message.id, answer: running?.answer(message.question) })
      break
    case 'answers':
      running?.answered(message.id, message.answers)
      break
    case 'leased':
      running?.leased(message.id, message.lease)
      break
    case 'journaled':
      running?.journaled(message.id, message.error)
      break
    case 'reload-certificate':
      running?.reloadCertificate()
      break
    case 'stop':
      void Promise.resolve(starting)
        .then((worker) => worker?.stop())
        .then(() => process.exit(0))
      break
  }
})

say({ type: 'online' })
