/** What happens beside a change of encryption. */
import { beforeEach, expect, test } from 'vitest'
import type { RecordKind } from '../records/record-store.ts'
import { call, getInput, METHODS, makeRoom, putInput, type Room, read } from './room.fixture.ts'
import { sweep } from './sweep.ts'

const LONG_MS = 3_600_000
let room: Room
let keyArn: string
beforeEach(async () => {
  room = makeRoom()
  await room.buckets.create(call, 'bucket')
  keyArn = (await room.kms.keys.createKey(call, { description: '', tags: [] })).arn
})

const object = { bucket: 'bucket', objectKey: 'k', versionId: undefined }
const dsse = () => ({ kind: 'aws:kms:dsse', keyArn }) as const
const kms = () => ({ kind: 'aws:kms', keyArn, bucketKeyEnabled: false }) as const
const head = () => room.objects.head(call, getInput('k'))

test('the sweep takes nothing of a content that is being sealed anew, however long that takes', async () => {
  const content = Buffer.alloc(200_000, 1)
  await room.objects.put(call, putInput('k', content))
  const { blobs } = room
  const stage = blobs.stage.bind(blobs)
  blobs.stage = async (id) => {
    const staged = await stage(id)
    const keep = staged.keep.bind(staged)
    const slowly = async () => {
      await keep()
      room.clock.skip(LONG_MS)
      await sweep(room.records, blobs, room.clock)
    }
    return Object.assign(staged, { keep: slowly })
  }
  expect(await room.encryptionChanges.change(call, object, dsse())).toMatchObject({ change: 'sealed-anew' })
  expect((await read(room, getInput('k'))).equals(content)).toBe(true)
  expect(await blobs.isHeld()).toBe(false)
})

test.each(['aws:kms', 'aws:kms:dsse'] as const)(
  'an overwrite meanwhile stays as it was written (to %s)',
  async (kind) => {
    const { records } = room
    const get = records.get.bind(records)
    const target = kind === 'aws:kms' ? kms() : dsse()
    let [changed, lost] = [0, 0]
    // The other object comes after each of the reads that a change makes, one after the other.
    for (let readsBefore = 1; changed === 0; readsBefore++) {
      records.get = get
      await room.objects.put(call, putInput('k', Buffer.from('old')))
      let reads = 0
      records.get = async <T>(kind: RecordKind<T>, name: Uint8Array) => {
        const stored = await get(kind, name)
        if (++reads === readsBefore) await room.objects.put(call, putInput('k', Buffer.from('new')))
        return stored
      }
      try {
        await room.encryptionChanges.change(call, object, target)
        if (reads < readsBefore) changed++
      } catch (error) {
        expect(error).toMatchObject({ code: 'Contention' })
        lost++
      }
      const isOverwritten = reads >= readsBefore
      records.get = get
      expect((await read(room, getInput('k'))).toString()).toBe(isOverwritten ? 'new' : 'old')
    }
    expect(lost).toBeGreaterThan(1)
  },
)

test('what the writer added to the encryption context stays with the object', async () => {
  await room.objects.put(call, putInput('k', Buffer.from('x'), { protection: METHODS['aws:kms']!() }))
  for (const target of [kms(), { ...kms(), bucketKeyEnabled: true }, dsse(), kms()]) {
    await room.encryptionChanges.change(call, object, target)
    expect((await head()).facts.protection).toMatchObject({ kmsKeyArn: keyArn, encryptionContext: { team: 'x' } })
    expect((await read(room, getInput('k'))).toString()).toBe('x')
  }
})

test('an object that has the encryption already is told of only to whoever may read it', async () => {
  await room.objects.put(call, putInput('k', Buffer.from('x')))
  await room.encryptionChanges.change(call, object, kms())
  expect(await room.encryptionChanges.change(call, object, kms())).toMatchObject({ change: 'already' })
  const plain = { ...call, secureTransport: false }
  await expect(room.encryptionChanges.change(plain, object, kms())).rejects.toMatchObject({
    code: 'EncryptionRefused',
    detail: { refusal: 'KmsRequiresTls' },
  })
  await room.kms.keys.setEnabled(call, keyArn, false)
  await expect(room.encryptionChanges.change(call, object, kms())).rejects.toMatchObject({ code: 'KmsKeyDisabled' })
})
