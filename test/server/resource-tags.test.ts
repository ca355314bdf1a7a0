/** Tags that a bucket has from the first, and its tags by its ARN: what they need, and what is refused. */

import { PutUserPolicyCommand } from '@aws-sdk/client-iam'
import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  PutBucketPolicyCommand,
  type S3Client,
  type Tag,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditEvents } from '../support/audit.ts'
import { type RawRequest, send } from '../support/raw.ts'
import { failure, iamClient, s3Client } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const alice = { accessKeyId: 'AKIAALICE', secretAccessKey: 'secretalice' }
const bob = { accessKeyId: 'AKIABOB', secretAccessKey: 'secretbob' }
const users = [
  { name: 'alice', ...alice },
  { name: 'bob', ...bob },
]
const accounts = [{ id: '000000000000', users }]

let server: TestServer
let s3: S3Client
let asAlice: S3Client
beforeAll(async () => {
  server = await startServer({ config: { accounts } })
  s3 = s3Client(server)
  asAlice = s3Client(server, { credentials: alice })
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
})

const tagSet = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
const create = (Bucket: string, tags: Readonly<Record<string, string>>, client = s3) =>
  client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { Tags: tagSet(tags) } }))
const read = async (Bucket: string) => (await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet

const ask = (method: string, bucket: string, more: Partial<RawRequest> = {}) =>
  send(server, {
    method,
    path: `/v20180820/tags/${encodeURIComponent(`arn:aws:s3:::${bucket}`)}`,
    headers: { 'x-amz-account-id': '000000000000' },
    ...more,
  })
const tagging = (tags: Readonly<Record<string, string>>) => {
  const written = Object.entries(tags).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
  return { body: `<TagResourceRequest><Tags>${written.join('')}</Tags></TagResourceRequest>` }
}
const untagging = (...keys: string[]) => ({ query: { tagKeys: keys } })

describe('a bucket that is made with tags', () => {
  test('has them, if they can be tags', async () => {
    await create('tagged', { team: 'red', b: '' })
    expect(await read('tagged')).toEqual(tagSet({ team: 'red', b: '' }))
    expect(await failure(create('not-made', { 'aws:x': '1' }))).toMatchObject({ code: 'InvalidTag', status: 400 })
    expect(await failure(read('not-made'))).toMatchObject({ code: 'NoSuchBucket' })
    await create('untagged', {})
    expect(await failure(read('untagged'))).toMatchObject({ code: 'NoSuchTagSet' })
  })

  test('needs leave to tag it, and policies see the tags', async () => {
    const allow = (Action: readonly string[], Condition?: object) => {
      const statement = { Effect: 'Allow', Action, Resource: '*', ...(Condition && { Condition }) }
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
      return iamClient(server).send(new PutUserPolicyCommand({ UserName: 'alice', PolicyName: 'p', PolicyDocument }))
    }
    await allow(['s3:CreateBucket'])
    const denied = await failure(create('alices', { team: 'red' }, asAlice))
    expect(denied).toMatchObject({ code: 'AccessDenied', status: 403 })
    // By these words Terraform tries again without tags.
    expect(denied.message).toContain('is not authorized to perform: s3:TagResource')
    await create('alices-plain', {}, asAlice)
    await allow(['s3:CreateBucket', 's3:TagResource'], { StringEquals: { 'aws:RequestTag/team': 'red' } })
    expect(await failure(create('alices', { team: 'blue' }, asAlice))).toMatchObject({ code: 'AccessDenied' })
    expect(await failure(create('alices', {}, asAlice))).toMatchObject({ code: 'AccessDenied' })
    await create('alices', { team: 'red' }, asAlice)
  })
})

describe('tags by the ARN', () => {
  const bucket = 'by-arn'
  beforeAll(() => s3.send(new CreateBucketCommand({ Bucket: bucket })))

  test('are listed, also where there are none', async () => {
    expect(await ask('GET', bucket)).toMatchObject({
      status: 200,
      body: '<ListTagsForResourceResult xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><Tags></Tags></ListTagsForResourceResult>',
    })
  })

  test('are fifty at most, with those that are there', async () => {
    const many = (count: number, prefix: string) =>
      tagging(Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, ''])))
    expect(await ask('POST', bucket, many(49, 'a'))).toMatchObject({ status: 204 })
    expect(await ask('POST', bucket, many(2, 'b'))).toMatchObject({ status: 400, code: 'BadRequest' })
    expect(await ask('POST', bucket, many(49, 'a'))).toMatchObject({ status: 204 })
    expect(await read(bucket)).toHaveLength(49)
    const keys = Array.from({ length: 49 }, (_, i) => `a${i}`)
    expect(await ask('DELETE', bucket, untagging(...keys))).toMatchObject({ status: 204 })
    expect(await failure(read(bucket))).toMatchObject({ code: 'NoSuchTagSet' })
  })

  test.each<[string, () => ReturnType<typeof ask>, number, string]>([
    [
      'another account',
      () => ask('GET', bucket, { headers: { 'x-amz-account-id': '111111111111' } }),
      403,
      'AccessDenied',
    ],
    ['a bucket that is not there', () => ask('POST', 'no-such-bucket', tagging({ a: '1' })), 404, 'NoSuchBucket'],
    ['an object', () => ask('GET', `${bucket}/k`), 501, 'NotImplemented'],
    ['an unknown document', () => ask('POST', bucket, { body: '<Tagging><Tags/></Tagging>' }), 400, 'MalformedXML'],
    [
      'the same tag twice',
      () =>
        ask('POST', bucket, {
          body: tagging({ a: '1' }).body.replace('<Tags>', '<Tags><Tag><Key>a</Key><Value/></Tag>'),
        }),
      400,
      'InvalidTag',
    ],
    ['a method that there is not', () => ask('PUT', bucket), 405, 'MethodNotAllowed'],
    // Without the header it is an object's path.
    ['no account', () => ask('GET', bucket, { headers: {} }), 404, 'NoSuchBucket'],
  ])('%s', async (_, call, status, code) => {
    expect(await call()).toMatchObject({ status, code })
  })

  test('each needs its action; policies see the keys of what is removed', async () => {
    const credentials = bob
    const allow = (Action: string, Condition?: object) => {
      const Principal = { AWS: 'arn:aws:iam::000000000000:user/bob' }
      const statement = { Effect: 'Allow', Principal, Action, Resource: `arn:aws:s3:::${bucket}` }
      const Statement = [{ ...statement, ...(Condition && { Condition }) }]
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
      return s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    }
    const calls = {
      's3:ListTagsForResource': () => ask('GET', bucket, { credentials }),
      's3:TagResource': () => ask('POST', bucket, { ...tagging({ team: 'red' }), credentials }),
      's3:UntagResource': () => ask('DELETE', bucket, { ...untagging('team'), credentials }),
    }
    for (const action of Object.keys(calls)) {
      await allow(action)
      for (const [other, call] of Object.entries(calls)) expect((await call()).status === 403).toBe(other !== action)
    }
    await allow('s3:TagResource', { StringEquals: { 'aws:RequestTag/team': 'blue' } })
    expect(await calls['s3:TagResource']()).toMatchObject({ status: 403 })
    await allow('s3:UntagResource', { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['cost'] } })
    expect(await calls['s3:UntagResource']()).toMatchObject({ status: 403 })
    expect(await ask('DELETE', bucket, { ...untagging('cost'), credentials })).toMatchObject({ status: 204 })
  })

  test('are in the audit trail', async () => {
    for (const [event, readOnly] of [
      ['ListTagsForResource', true],
      ['TagResource', false],
    ] as const) {
      const events = await auditEvents(server, ['--management', '--bucket', bucket, '--event', event])
      expect(events).toContainEqual(expect.objectContaining({ readOnly, eventSource: 's3.amazonaws.com' }))
    }
  })
})
