/** Markers of lists: where the next page begins. */
import { Fault } from '../core/fault.ts'
import type { Input } from '../protocols/input.ts'

/** What `truncation` was told last; undefined for a first page. Throws KmsMarkerInvalid. */
export function readMarker(input: Input): string | undefined {
  const marker = input.optionalText('Marker', 1024, 1)
  if (marker === undefined) return undefined
  if (!/^1[A-Za-z0-9_-]+$/.test(marker)) throw new Fault('KmsMarkerInvalid', {})
  return Buffer.from(marker.slice(1), 'base64url').toString()
}

export function truncation(truncated: boolean, last: string | undefined): Record<string, unknown> {
  if (!truncated || last === undefined) return { Truncated: false }
  return { Truncated: true, NextMarker: `1${Buffer.from(last).toString('base64url')}` }
}
