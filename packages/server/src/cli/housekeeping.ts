/** What the primary does every minute: sweeps, ends keys, rotates those that are due, goes on with the root key's rotation. */
import type { Journals } from '../audit/journals.ts'
import { systemClock } from '../core/clock.ts'
import { sweep } from '../objects/sweep.ts'
import { KeySweep } from './key-sweep.ts'
import { type RootKeyRotation, RotationStopped } from './root-key-rotation.ts'
import type { Store } from './store.ts'

const EVERY_MS = 60_000
/** Records that do not open are no better a minute later. */
const DAMAGED_AGAIN_MS = 3_600_000

/** Returns what ends it, after waiting for what is under way. */
export function keepHouse(
  store: Store,
  journals: Journals,
  rotation: RootKeyRotation,
  complain: (text: string) => void,
): () => Promise<void> {
  const keys = new KeySweep(store, journals, systemClock, complain)
  let sweeping: Promise<unknown> = secureKeys(store, complain)
  const sweeper = setInterval(() => {
    sweeping = sweeping
      .then(() => store.buckets.resumeDeletes())
      .then(() => sweep(store.records, store.blobs, systemClock))
      .then(() => keys.run())
      .then(() => journals.prune())
      .catch((error: Error) => complain(`the sweep failed: ${error.message}`))
  }, EVERY_MS)

  let damagedAtMs = 0
  const goOn = async () => {
    if (!rotation.isDue || systemClock.nowMs() < damagedAtMs + DAMAGED_AGAIN_MS) return
    try {
      const end = await rotation.resume()
      if (end.state === 'done') complain(`the store key is of version ${end.version} everywhere: older ones are gone`)
      if (end.state !== 'damaged') return
      damagedAtMs = systemClock.nowMs()
      complain(`the old store key is kept: ${end.places.length} records do not open (strongroom fsck tells more)`)
    } catch (error) {
      if (!(error instanceof RotationStopped))
        complain(`the rotation of the root key is held up: ${(error as Error).message}`)
    }
  }
  // What was cut off goes on at once.
  void goOn()
  const rotating = setInterval(goOn, EVERY_MS)
  return async () => {
    clearInterval(sweeper)
    clearInterval(rotating)
    await sweeping
    await rotation.stop()
  }
}

/** Keys of the time before there were deletable secrets get theirs at the first start. */
async function secureKeys(store: Store, complain: (text: string) => void): Promise<void> {
  try {
    for (const [region, { upkeep }] of store.kmsByRegion) {
      const secured = await upkeep.secureAll()
      if (secured > 0) complain(`${secured} KMS keys in ${region} have deletable secrets from now on`)
    }
  } catch (error) {
    complain(`keys could not be given deletable secrets: ${(error as Error).message}`)
  }
}
