/**
 * Frees the memory of buffers that only pass through.
 *
 * Every 64 KiB segment is a buffer of its own, garbage as soon as it is on its way. V8 looks at such memory, which lies
 * outside its heap, only once there are tens of megabytes of it, and then with a collection of the whole heap. Asked
 * every few megabytes, a collection of the young generation, under a millisecond long, frees it (docs/performance.md).
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const PASSED_BYTES = 4 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
setFlagsFromString('--no-expose-gc')
let passed = 0

/** Says that buffers of so many bytes have just been made, of which few will be needed for long. */
export function memoryPasses(bytes: number): void {
  passed += bytes
  if (passed < PASSED_BYTES) return
  passed = 0
  collect({ type: 'minor' })
}
