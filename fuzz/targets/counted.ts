/** Plaintexts that tell by themselves whether they are whole and in order. */

const PERIOD = 251

export const counted = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % PERIOD)

/** Whether these are the first bytes of every counted plaintext that is as long. */
export const isCounted = (bytes: Uint8Array): boolean => bytes.every((byte, i) => byte === i % PERIOD)
