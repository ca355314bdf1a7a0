/** The arithmetic of XAES-256-GCM (C2SP, c2sp.org/XAES-256-GCM) that every provider shares. */

export const NONCE_BYTES = 24

/** CMAC's first subkey from the encryption of 16 zeros: doubling in GF(2^128) (NIST SP 800-38B, 6.1). */
export function subkeyOf(encryptedZeros: Uint8Array): Uint8Array {
  const out = new Uint8Array(16)
  for (let i = 0; i < 16; i++) out[i] = (encryptedZeros[i]! << 1) | ((encryptedZeros[i + 1] ?? 0) >> 7)
  if (encryptedZeros[0]! & 0x80) out[15] = out[15]! ^ 0x87
  return out
}

/** The two CMAC blocks over 0x00 counter 'X' 0x00 and the nonce's first half; encrypted, they are the message's key. */
export function nonceBlocks(nonce: Uint8Array, subkey: Uint8Array): Uint8Array {
  const blocks = new Uint8Array(32)
  for (let block = 0; block < 2; block++) {
    const at = block * 16
    blocks[at + 1] = block + 1
    blocks[at + 2] = 0x58
    for (let i = 0; i < 12; i++) blocks[at + 4 + i] = nonce[i]!
    for (let i = 0; i < 16; i++) blocks[at + i] = blocks[at + i]! ^ subkey[i]!
  }
  return blocks
}
