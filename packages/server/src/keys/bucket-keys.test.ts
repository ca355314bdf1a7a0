/** Bucket keys over a KMS on memory: whom they serve, for how long, and what ends them. */
import { generateDataKey, unwrapKey, wrapKey } from '@strongroom/crypto/node'
import { beforeEach, expect, test } from 'vitest'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { call } from '../policy/caller.fixture.ts'
import type { RequestQuota } from '../quota/leased-quota.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import { BucketKeys } from './bucket-keys.ts'
import { Kms } from './kms.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const secrets = new MemoryMaterialSecrets()

const MINUTE_MS = 60_000
const encryptionContext = { 'aws:s3:arn': 'arn:aws:s3:::bucket' }
const AAD = Buffer.from('of an object')
let nowMs: number
let kms: Kms
let keyId: string
/** What the KMS was asked, and how it ended. */
let asked: string[]
let throttled: boolean
let bucketKeys: BucketKeys
let another: BucketKeys
beforeEach(async () => {
  nowMs = 1_700_000_000_000
  asked = []
  throttled = false
  const quota: RequestQuota = {
    take() {
      if (throttled) throw new Fault('KmsThrottled', {})
      return nowMs
    },
  }
  const clock = { nowMs: () => nowMs }
  kms = new Kms({
    secrets,
    records: new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32).fill(1)).derive('records')),
    storeKey: StoreKey.of(new Uint8Array(32).fill(2)),
    region: 'us-east-1',
    clock,
    observer: { observe: ({ operation, errorCode }) => asked.push(`${operation} ${errorCode ?? 'ok'}`) },
    quota,
  })
  keyId = (await kms.keys.createKey(call, { description: '', tags: [] })).keyId
  bucketKeys = new BucketKeys(kms.forS3, clock)
  another = new BucketKeys(kms.forS3, clock)
})

const write = (by: CallContext = call, at = bucketKeys, bucketId = 'id', name = keyId) =>
  at.forWriting(by, bucketId, { keyId: name, encryptionContext })
const read = (made: { keyArn: string; wrapped: Uint8Array }, by: CallContext = call, at = bucketKeys) =>
  at.forReading(by, { ...made, encryptionContext })
const as = (arn: string): CallContext => ({ ...call, principal: { ...call.principal, arn } })

test('many objects, one call of the KMS; what is wrapped for one opens for its reader', async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => write()))
  expect(new Set(all).size).toBe(1)
  const dataKey = generateDataKey()
  const wrapped = wrapKey(all[0]!.wrapping, dataKey, AAD)
  const opened = unwrapKey((await read(all[0]!)).wrapping, wrapped, AAD)
  expect(Buffer.from(opened.bytes())).toEqual(Buffer.from(dataKey.bytes()))
  expect(asked).toEqual(['GenerateDataKey ok'])
})

test('another process asks once to read, whatever the number of objects', async () => {
  const made = await write()
  for (let i = 0; i < 20; i++) await read(made, call, another)
  expect(asked).toEqual(['GenerateDataKey ok', 'Decrypt ok'])
})

test('each requester, bucket and context has its own', async () => {
  const made = [
    await write(),
    await write(as('arn:aws:iam::111111111111:user/other')),
    await write(call, bucketKeys, 'made anew'),
    await bucketKeys.forWriting(call, 'id', { keyId, encryptionContext: { ...encryptionContext, team: 'x' } }),
  ]
  expect(new Set(made.map(({ wrapped }) => Buffer.from(wrapped).toString('hex'))).size).toBe(4)
  await read(made[0]!, as('arn:aws:iam::111111111111:user/other'))
  expect(asked).toEqual([...Array(4).fill('GenerateDataKey ok'), 'Decrypt ok'])
})

test('it ends with its time', async () => {
  const first = await write()
  nowMs += 5 * MINUTE_MS - 1
  expect(await write()).toBe(first)
  nowMs += 1
  const second = await write()
  expect(second).not.toBe(first)
  await read(first)
  expect(asked).toEqual(['GenerateDataKey ok', 'GenerateDataKey ok', 'Decrypt ok'])
})

test('of many requests that come to an old one, the first makes another for all', async () => {
  await write()
  nowMs += 5 * MINUTE_MS
  await Promise.all(Array.from({ length: 50 }, () => write()))
  expect(asked).toEqual(['GenerateDataKey ok', 'GenerateDataKey ok'])
})

test('a disabled key ends it at once, and the refusal is on record; enabled it works again', async () => {
  const made = await write()
  await kms.keys.setEnabled(call, keyId, false)
  await expect(write()).rejects.toMatchObject({ code: 'KmsKeyDisabled' })
  await expect(read(made)).rejects.toMatchObject({ code: 'KmsKeyDisabled' })
  expect(asked.slice(1)).toEqual(['GenerateDataKey KmsKeyDisabled', 'Decrypt KmsKeyDisabled'])
  await kms.keys.setEnabled(call, keyId, true)
  await write()
  await read(made)
})

test('a changed key policy ends it at once', async () => {
  const made = await write()
  const policy = (Action: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' },
        { Effect: 'Deny', Principal: '*', Action, Resource: '*' },
      ],
    })
  await kms.keys.putPolicy(call, keyId, policy('kms:GenerateDataKey'), true)
  await expect(write()).rejects.toMatchObject({ code: 'AccessDenied' })
  await read(made)
  await kms.keys.putPolicy(call, keyId, policy('kms:Decrypt'), true)
  await expect(read(made)).rejects.toMatchObject({ code: 'AccessDenied' })
})

test('an alias that names another key by now gives that one', async () => {
  const second = (await kms.keys.createKey(call, { description: '', tags: [] })).keyId
  await kms.aliases.createAlias(call, 'alias/current', keyId)
  const before = await write(call, bucketKeys, 'id', 'alias/current')
  await kms.aliases.updateAlias(call, 'alias/current', second)
  const after = await write(call, bucketKeys, 'id', 'alias/current')
  expect([before.keyArn, after.keyArn].map((arn) => arn.split('/')[1])).toEqual([keyId, second])
})

test('without a key id it is the managed key, made at its first use', async () => {
  const request = { keyId: undefined, encryptionContext }
  const first = await bucketKeys.forWriting(call, 'id', request)
  expect(await bucketKeys.forWriting(call, 'id', request)).toBe(first)
})

test('a call that fails is not kept', async () => {
  throttled = true
  const burst = await Promise.allSettled([write(), write(), write()])
  for (const end of burst) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'KmsThrottled' } })
  throttled = false
  await write()
})
