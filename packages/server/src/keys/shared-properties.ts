/**
 * What the keys of a multi-Region set have in common, and what becomes of the replicas when their primary key changes
 * (developer guide, "Multi-Region keys", shared properties).
 */
import { withPendingActivated } from './imported-material.ts'
import { GONE, type KmsKey } from './kms-records.ts'

/** Whether the change of a primary key concerns its replicas. */
export function isShared(before: KmsKey, after: KmsKey): boolean {
  return SHARED.some((fact) => before[fact] !== after[fact])
}

/** A replica once its primary key has become `primary`. */
export function following(replica: KmsKey, primary: KmsKey): KmsKey {
  const { multiRegion: _, rotations: __, rotationSchedule: ___, ...own } = replica
  const { multiRegion, rotations, rotationSchedule, material } = primary
  const next: KmsKey = {
    ...own,
    ...(multiRegion && { multiRegion }),
    ...(rotations && { rotations }),
    ...(rotationSchedule && { rotationSchedule }),
  }
  return primary.imported ? followingImports(next, primary) : { ...next, material }
}

/** Imported material is brought to each key; only which there is to be, and which is current, goes from one to the others. */
function followingImports(replica: KmsKey, primary: KmsKey): KmsKey {
  const next = primary.material.length > replica.material.length ? withPendingActivated(replica) : replica
  const { pending: mine, ...imported } = next.imported!
  const pending = primary.imported?.pending
  if (!pending) return { ...next, imported }
  const awaited = pending.id === mine?.id ? mine : { id: pending.id, wrapped: GONE }
  return { ...next, imported: { ...imported, pending: awaited } }
}

const SHARED = ['multiRegion', 'material', 'imported', 'rotations', 'rotationSchedule'] as const
