/**
 * Canonical encoding of a map of strings, used as associated data and key-derivation context (format section 5):
 * the number of pairs, then each name and value with its length, ordered bytewise by name. Lengths are 32-bit
 * big-endian, so no two maps share an encoding.
 */
export function encodeContext(pairs: Readonly<Record<string, string>>): Uint8Array {
  const names = Object.keys(pairs).sort(compareUtf8)
  // UTF-8 takes at most three bytes for each UTF-16 unit.
  let most = 4
  for (const name of names) most += 8 + 3 * (name.length + pairs[name]!.length)
  const out = new Uint8Array(most)
  const view = new DataView(out.buffer)
  view.setUint32(0, names.length)
  let at = 4
  for (const name of names) {
    for (const field of [name, pairs[name]!]) {
      const { written } = encoder.encodeInto(field, out.subarray(at + 4))
      view.setUint32(at, written)
      at += 4 + written
    }
  }
  return out.subarray(0, at)
}

const encoder = new TextEncoder()

/** UTF-16 order is UTF-8 order but for surrogates, which stand for what comes after all other characters. */
function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return Number(isSurrogate(x)) - Number(isSurrogate(y)) || x - y
  }
  return a.length - b.length
}

const isSurrogate = (unit: number) => (unit & 0xf800) === 0xd800
