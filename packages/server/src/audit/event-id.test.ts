import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventId, timeOfEventId } from './event-id.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('an id is a UUID of version 7 that tells its time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (atMs) => {
      const id = eventId(atMs)
      expect(id).toMatch(UUID)
      expect(timeOfEventId(id)).toBe(atMs)
    }),
  )
})

test('ids of one moment differ', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => eventId(1))).size).toBe(10_000)
})

test.each(['', 'x', '01a213c5-2173-4076-afdb-1372a0146d60', '01a213c52173-7076-afdb-1372a0146d60'])(
  '%j is no such id',
  (id) => {
    expect(timeOfEventId(id)).toBeUndefined()
  },
)
