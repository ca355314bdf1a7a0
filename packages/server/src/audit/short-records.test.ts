/** Records by templates: what is read again is the record that would have been made in full. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CallerFacts, Outcome } from '../core/outcome.ts'
import { eventRecords } from './event-record.ts'
import { isKeyUse, recordTexts, wholeRecord } from './journaled-records.ts'
import { filled, templateOf } from './record-template.ts'
import { ShortRecords, shapeOf } from './short-records.ts'

const OPERATOR = '000000000000'
const caller: CallerFacts = {
  accountId: '111111111111',
  arn: 'arn:aws:iam::111111111111:user/ann',
  principalId: 'AIDA1',
  principalType: 'IAMUser',
  userName: 'ann',
  accessKeyId: 'AKIA1',
}

interface Varied {
  readonly objectKey: string
  readonly requestId: string
  readonly startedAtMs: number
  readonly bytesOut: number
}

function outcomeOf({ objectKey, requestId, startedAtMs, bytesOut }: Varied, more: Partial<Outcome> = {}): Outcome {
  return {
    ...{ service: 's3', operation: 'GetObject', requestId, startedAtMs, durationMs: 1, status: 200 },
    ...{ errorCode: undefined, region: 'us-east-1', caller, sourceIp: '192.0.2.1', userAgent: 'agent "key":"' },
    ...{ tls: undefined, host: 'h', bytesIn: 0, bytesOut, readOnly: true, bucket: 'b', objectKey },
    audit: {
      category: 'Data',
      requestParameters: () => ({ bucketName: 'b', Host: 'h', key: objectKey }),
      additionalEventData: () => ({
        bytesTransferredIn: 0,
        'x-amz-id-2': `i${requestId}`,
        bytesTransferredOut: bytesOut,
      }),
      resources: () => [
        { type: 'AWS::S3::Object', ARN: `arn:aws:s3:::b/${objectKey}` },
        { accountId: '111111111111', type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::b' },
      ],
      shape: () => '',
      hostId: () => `i${requestId}`,
    },
    ...more,
  }
}

const varied = fc.record({
  objectKey: fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  requestId: fc.stringMatching(/^[A-Z0-9]{16}$/),
  startedAtMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  bytesOut: fc.nat(),
})
const entryOf = (content: string) => ({ atMs: 0, bytes: Buffer.from(content) })
const withoutId = (text: string) => ({ ...JSON.parse(text), eventID: '' })

test('whatever is read, a short record tells what a full one does', () => {
  fc.assert(
    fc.property(fc.array(varied, { minLength: 2, maxLength: 10 }), fc.array(fc.boolean()), (all, cuts) => {
      const short = new ShortRecords()
      const outcomes = all.map((one) => outcomeOf(one))
      let payload = 0
      let frame: ReturnType<typeof entryOf>[] = []
      const texts: string[] = []
      for (const [i, outcome] of outcomes.entries()) {
        const shape = shapeOf(outcome)!
        const known = short.text(outcome, shape, payload)
        expect(known === undefined).toBe(i === 0)
        const records = eventRecords(outcome, OPERATOR)
        if (known === undefined) short.learn(outcome, shape, records)
        frame.push(entryOf(known ?? wholeRecord(records[0]!.json, false)))
        if (!cuts[i]) continue
        // The next payload comes into another frame.
        texts.push(...recordTexts(frame))
        frame = []
        payload++
      }
      texts.push(...recordTexts(frame))
      expect(texts.map(withoutId)).toEqual(outcomes.map((one) => withoutId(eventRecords(one, OPERATOR)[0]!.json)))
    }),
  )
})

const first = { objectKey: 'k', requestId: 'R', startedAtMs: 1, bytesOut: 2 }
const learnt = (outcome: Outcome) => {
  const short = new ShortRecords()
  short.learn(outcome, shapeOf(outcome)!, eventRecords(outcome, OPERATOR))
  return short.text(outcome, shapeOf(outcome)!, 0)
}

test('a use of a key under an S3 Bucket Key is one in short as well', () => {
  const { audit } = outcomeOf(first)
  const kmsKeyArn = 'arn:aws:kms:us-east-1:111111111111:key/k'
  const content = learnt(outcomeOf(first, { kmsKeyArn, audit: { ...audit!, usedBucketKey: true } }))!
  expect(isKeyUse(Buffer.from(content))).toBe(true)
  expect(JSON.parse(recordTexts([entryOf(content)])[0]!)).toMatchObject({ additionalEventData: { kmsKeyArn } })
  expect(isKeyUse(Buffer.from(learnt(outcomeOf(first))!))).toBe(false)
})

test('each shape has a template of its own', () => {
  const shapes = [
    outcomeOf(first),
    outcomeOf(first, { caller: { ...caller, accessKeyId: 'AKIA2' } }),
    outcomeOf(first, { bucket: 'other' }),
    outcomeOf(first, { operation: 'HeadObject' }),
    outcomeOf(first, { userAgent: 'another' }),
    outcomeOf(first, { sourceIp: '192.0.2.2' }),
    outcomeOf(first, { tls: { version: 'TLSv1.3', cipher: 'c' } }),
    outcomeOf(first, { encryption: 'AES256' }),
    outcomeOf(first, { signature: { version: 'v4', by: 'query', ageMs: 1 } }),
  ].map(shapeOf)
  expect(new Set(shapes).size).toBe(shapes.length)
})

describe('what is made in full', () => {
  test.each<[string, Partial<Outcome>]>([
    ['an error', { errorCode: 'NoSuchKey' }],
    ['a request of nobody known', { caller: undefined }],
    ['a write', { audit: { category: 'Data', requestParameters: () => null } }],
  ])('%s', (_name, more) => {
    expect(shapeOf(outcomeOf(first, more))).toBeUndefined()
  })

  test('what two accounts are told', () => {
    expect(learnt(outcomeOf(first, { caller: { ...caller, accountId: '222222222222' } }))).toBeUndefined()
  })
})

const MARKS = [
  ...['"eventTime":"', '"key":"', '"x-amz-id-2":"', '"bytesTransferredOut":', '"requestID":"', '"eventID":"'],
  '"ARN":"arn:aws:s3:::b/',
]

test('a call of the KMS that S3 made is told in short, by each object', () => {
  const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/k'
  const call = (n: number, more: Partial<Outcome> = {}): Outcome => {
    const encryptionContext = { 'aws:s3:arn': `arn:aws:s3:::b/"${n}"` }
    return {
      ...outcomeOf(first),
      ...{ service: 'kms', operation: 'Decrypt', viaRequestId: `S3-${n}`, requestId: `kms-${n}`, kmsKeyArn: keyArn },
      encryptionContext,
      audit: {
        category: 'Management',
        requestParameters: () => ({ encryptionContext, keyId: keyArn }),
        shape: () => '',
      },
      ...more,
    }
  }
  const short = new ShortRecords()
  short.learn(call(1), shapeOf(call(1))!, eventRecords(call(1), OPERATOR))
  const contents = [2, 3].map((n) => short.text(call(n), shapeOf(call(n))!, 0)!)
  expect(contents.every((content) => isKeyUse(Buffer.from(content)))).toBe(true)
  expect(contents[1]!.length).toBeLessThan(200)
  const texts = recordTexts(contents.map(entryOf))
  expect(texts.map(withoutId)).toEqual([2, 3].map((n) => withoutId(eventRecords(call(n), OPERATOR)[0]!.json)))
  expect(shapeOf(call(1, { operation: 'GenerateDataKey' }))).not.toBe(shapeOf(call(1)))
  expect(shapeOf(call(1, { kmsKeyArn: 'another' }))).not.toBe(shapeOf(call(1)))
})

test('a template is made only where it gives the text again', () => {
  const varying = ['t', 'k', 'i', '2', 'R', 'e', 'k']
  const text =
    '{"eventTime":"t","key":"k","x-amz-id-2":"i","bytesTransferredOut":2,"requestID":"R","eventID":"e","ARN":"arn:aws:s3:::b/k"}'
  const template = templateOf(text, MARKS, varying)!
  expect(filled(template, varying)).toBe(text)
  expect(filled(template, ['T', 'K', 'I', '9', 'S', 'E', 'K'])).toBe(
    text
      .replaceAll('"t"', '"T"')
      .replace('"k"', '"K"')
      .replace('/k"', '/K"')
      .replace('"i"', '"I"')
      .replace(':2,', ':9,')
      .replace('"R"', '"S"')
      .replace('"e"', '"E"'),
  )
  expect(templateOf(text, MARKS, ['t', 'k', 'i', '2', 'R', 'e', 'another'])).toBeUndefined()
  expect(templateOf(text, [...MARKS.slice(0, 6), '"ARN":"arn:aws:s3:::c/'], varying)).toBeUndefined()
})

test('a short record whose template is not in its frame is damage', () => {
  expect(() => recordTexts([entryOf('\u00021\nt')])).toThrow(expect.objectContaining({ code: 'Damaged' }))
})
