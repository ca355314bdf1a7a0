/**
 * Ids of events: UUIDs of version 7 (RFC 9562, section 5.7), which begin with the time, so that an event is found by its
 * id in the index of events by time.
 */
import { randomBytes } from 'node:crypto'

export function eventId(atMs: number): string {
  if (at + RANDOM_DIGITS > pool.length) {
    pool = randomBytes((RANDOM_DIGITS / 2) * POOLED).toString('hex')
    at = 0
  }
  const random = pool.slice(at, at + RANDOM_DIGITS)
  at += RANDOM_DIGITS
  const time = atMs.toString(16).padStart(12, '0')
  const variant = VARIANTS[Number.parseInt(random[3]!, 16) & 3]
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}

/** Milliseconds since the epoch; undefined where it is no such id. */
export function timeOfEventId(id: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id)
  return match ? Number.parseInt(match[1]! + match[2]!, 16) : undefined
}

const VARIANTS = ['8', '9', 'a', 'b'] as const
const RANDOM_DIGITS = 20
const POOLED = 256
let pool = ''
let at = 0
