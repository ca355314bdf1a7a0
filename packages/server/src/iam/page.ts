/** Pages of a list: Marker, MaxItems and IsTruncated. */
import type { Input } from '../protocols/input.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** For the answer. */
  readonly truncation: { readonly IsTruncated: boolean; readonly Marker: string | undefined }
}

/**
 * The page that the request asks for, in the order of `keyOf`, which tells the items apart. A marker is the key of the
 * last item told, so that nothing is told twice or left out when the list changes between pages.
 */
export function page<T>(input: Input, all: readonly T[], keyOf: (item: T) => string): Page<T> {
  const most = input.optionalNumber('MaxItems', 1, 1000) ?? 100
  const marker = input.optionalText('Marker', 4096, 1)
  const after = marker === undefined ? undefined : readMarker(input, marker)
  const keyed = all.map((item) => ({ item, key: keyOf(item) })).sort((a, b) => (a.key < b.key ? -1 : 1))
  const rest = after === undefined ? keyed : keyed.filter(({ key }) => key > after)
  const told = rest.slice(0, most)
  const isTruncated = rest.length > told.length
  return {
    items: told.map(({ item }) => item),
    truncation: {
      IsTruncated: isTruncated,
      Marker: isTruncated ? Buffer.from(told.at(-1)!.key).toString('base64url') : undefined,
    },
  }
}

function readMarker(input: Input, marker: string): string {
  const key = Buffer.from(marker, 'base64url').toString()
  if (Buffer.from(key).toString('base64url') !== marker) throw input.invalid('Invalid Marker.')
  return key
}
