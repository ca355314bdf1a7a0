/**
 * Canonical encoding of a map of strings, used as associated data and key-derivation context (format section 5):
 * the number of pairs, then each name and value with its length, ordered bytewise by name. Lengths are 32-bit
 * big-endian, so no two maps share an encoding.
 */
export function encodeContext(pairs: Readonly<Record<string, string>>): Uint8Array {
  const encoder = new TextEncoder()
  const encoded = Object.entries(pairs).map(([name, value]) => [encoder.encode(name), encoder.encode(value)] as const)
  encoded.sort(([a], [b]) => compareBytes(a, b))
  const total = encoded.reduce((sum, [name, value]) => sum + 8 + name.length + value.length, 4)
  const out = new Uint8Array(total)
  const view = new DataView(out.buffer)
  view.setUint32(0, encoded.length)
  let at = 4
  for (const field of encoded.flat()) {
    view.setUint32(at, field.length)
    out.set(field, at + 4)
    at += 4 + field.length
  }
  return out
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
