/**
 * Blocks of memory for bytes on their way between disk and crypto, used again and again: new memory for each batch
 * costs more than what is done with it. They only ever hold sealed bytes.
 */
const MOST_IDLE = 64
const idle: Uint8Array[] = []

/** A little over 1 MiB: sixteen whole sealed segments. */
export const BLOCK_BYTES = 16 * (65_536 + 16)

export function takeBlock(): Uint8Array {
  return idle.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
}

/** Nothing may refer to the block any more. */
export function giveBlockBack(block: Uint8Array): void {
  if (idle.length < MOST_IDLE) idle.push(block)
}
