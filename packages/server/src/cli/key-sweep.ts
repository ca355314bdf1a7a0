/** What falls due for keys with time, in every region: ends, expired material, rotations. */
import type { Clock } from '../core/clock.ts'
import { destroyDueKeys } from '../keys/key-removal.ts'
import type { Store } from './store.ts'

/** `tell` is told of everything that was done. */
export async function sweepKeys(store: Store, clock: Clock, tell: (text: string) => void): Promise<void> {
  for (const [region, kms] of store.kmsByRegion) {
    for (const arn of await destroyDueKeys(store.keyRegions, region, clock.nowMs())) {
      tell(`${arn} has been deleted: its waiting period is over`)
    }
    for (const arn of await kms.imports.removeExpired()) tell(`${arn} has lost key material: it has expired`)
    for (const arn of await kms.keys.rotateDueKeys()) tell(`${arn} has new material: its rotation was due`)
  }
  for (const purpose of await store.serviceKeys.rotateDueKeys()) {
    tell(`the service key ${purpose} has new material: its rotation was due`)
  }
}
