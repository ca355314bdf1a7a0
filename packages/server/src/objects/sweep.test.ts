/** What the sweep deletes, and when it leaves all as it is. */
import { beforeEach, expect, test } from 'vitest'
import { call, getInput, makeRoom, putInput, type Room, read } from './room.fixture.ts'
import { sweep } from './sweep.ts'

const LONG_MS = 3_600_000
let room: Room
beforeEach(async () => {
  room = makeRoom()
  await room.buckets.create(call, 'bucket')
})

const put = (fill: number) => room.objects.put(call, putInput('k', Buffer.alloc(100_000, fill)))
const swept = () => sweep(room.records, room.blobs, room.clock)
async function blobs() {
  let count = 0
  for await (const _ of room.blobs.list()) count++
  return count
}
/** As a crash between keeping and committing leaves it. */
async function leaveBlob() {
  const staged = await room.blobs.stage()
  await staged.write([Buffer.from('left')])
  await staged.keep()
}

test('what was given up and what a crash left goes in its time; what is named stays', async () => {
  await put(1)
  await put(2)
  await leaveBlob()
  expect(await swept()).toEqual({ garbage: 0, unreferenced: 0 })
  room.clock.skip(LONG_MS)
  expect(await swept()).toEqual({ garbage: 1, unreferenced: 1 })
  expect(await blobs()).toBe(1)
  expect(await read(room, getInput('k'))).toEqual(Buffer.alloc(100_000, 2))
})

test('while anybody holds the blobs none is deleted, and all of it afterwards', async () => {
  await put(1)
  await leaveBlob()
  const [hold, other] = [await room.blobs.hold(), await room.blobs.hold()]
  await put(2)
  room.clock.skip(LONG_MS)
  expect(await swept()).toEqual({ garbage: 0, unreferenced: 0 })
  await hold.release()
  expect(await swept()).toEqual({ garbage: 0, unreferenced: 0 })
  expect(await blobs()).toBe(3)
  await other.release()
  expect(await swept()).toEqual({ garbage: 1, unreferenced: 1 })
})

test('a hold that is taken between two looks of the sweep counts for what is found later', async () => {
  await put(1)
  await put(2)
  room.clock.skip(LONG_MS)
  // What is due when the hold comes was given up before, so that no snapshot taken under the hold names it.
  const { blobs: store } = room
  const isHeld = store.isHeld.bind(store)
  let asked = 0
  store.isHeld = async () => {
    const held = await isHeld()
    if (++asked === 1) {
      await store.hold()
      await put(3)
      room.clock.skip(LONG_MS)
    }
    return held
  }
  expect(await swept()).toEqual({ garbage: 1, unreferenced: 0 })
  expect(await blobs()).toBe(2)
})

test('a blob that is given up while the sweep looks around still has its time', async () => {
  await put(1)
  room.clock.skip(LONG_MS)
  const { blobs: store } = room
  const list = store.list.bind(store)
  store.list = async function* () {
    for await (const facts of list()) {
      await put(2)
      yield facts
    }
  }
  expect(await swept()).toEqual({ garbage: 0, unreferenced: 0 })
  expect(await blobs()).toBe(2)
})
