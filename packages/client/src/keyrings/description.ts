/** Comparing descriptions and choosing keys by them. Pure. */
import type { Description } from './keyring.ts'

export function sameDescription(a: Description, b: Description): boolean {
  return Object.keys(a).length === Object.keys(b).length && includesDescription(a, b)
}

/** Whether `whole` has each entry of `part`. */
export const includesDescription = (whole: Description, part: Description): boolean =>
  Object.entries(part).every(([name, value]) => whole[name] === value)

/** The key whose material description equals that of a wrap; else the main one, whatever its own is. */
export function keyFor<Key>(
  description: Description,
  others: readonly { readonly materialDescription: Description; readonly key: Key }[],
  main: Key,
): Key {
  const other = others.find(({ materialDescription }) => sameDescription(materialDescription, description))
  return other ? other.key : main
}
