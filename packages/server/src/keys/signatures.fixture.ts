/** What tests of signatures share. */
import { createHash } from 'node:crypto'
import { type SigningAlgorithm, signingFacts } from './algorithms.ts'

export const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** The message as it is, and hashed beforehand. */
export function forms(algorithm: SigningAlgorithm, message: Uint8Array) {
  const digest = createHash(signingFacts(algorithm).hash!).update(message).digest()
  return [
    { algorithm, messageType: 'RAW', message },
    { algorithm, messageType: 'DIGEST', message: digest },
  ] as const
}

/** Ecdsa-Sig-Value of RFC 3279. */
export function derOf(r: Uint8Array, s: Uint8Array): Buffer {
  const integer = (value: Uint8Array) => {
    const start = value.findIndex((byte) => byte !== 0)
    const least = value.subarray(start)
    const body = least[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), least]) : Buffer.from(least)
    return Buffer.concat([Buffer.from([2, body.length]), body])
  }
  const body = Buffer.concat([integer(r), integer(s)])
  const length = body.length < 0x80 ? [body.length] : [0x81, body.length]
  return Buffer.concat([Buffer.from([0x30, ...length]), body])
}
