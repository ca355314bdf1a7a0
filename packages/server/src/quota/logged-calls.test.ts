import { expect, test } from 'vitest'
import { LoggedCalls } from './logged-calls.ts'

const RULES = { keptMs: 300_000, mostKept: 10 }
const START = 1_700_000_000_000
let requests = 0

interface Made {
  readonly at: number
  readonly what: 'put' | 'get' | 'copy' | 'dsse' | string
  readonly pid?: number
  readonly caller?: string
  readonly bucket?: string
  readonly key?: string
  readonly kmsKey?: string
  readonly error?: string
}

/** As the server writes them: a call of the KMS before the request that it was made for. */
function lines({ at, what, pid = 1, caller = 'ann', bucket = 'b', key = 'k', kmsKey = 'K', error }: Made): string[] {
  const startedAtMs = START + at * 1000
  const common = { level: 30, event: 'request', pid, startedAtMs, caller }
  const requestId = `request ${requests++}`
  const call = (operation: string) =>
    JSON.stringify({
      ...common,
      service: 'kms',
      operation,
      requestId: `${requestId} kms`,
      viaRequestId: requestId,
      kmsKey,
      error,
    })
  const s3 = (operation: string, encryption = 'aws:kms') =>
    JSON.stringify({ ...common, service: 's3', operation, requestId, bucket, key, encryption })
  switch (what) {
    case 'put':
      return [call('GenerateDataKey'), s3('PutObject')]
    case 'get':
      return [call('Decrypt'), s3('GetObject')]
    case 'copy':
      return [call('Decrypt'), call('GenerateDataKey'), s3('CopyObject')]
    case 'dsse':
      return [call('GenerateDataKey'), s3('PutObject', 'aws:kms:dsse')]
    case 'sse-s3':
      return [s3('PutObject', 'AES256')]
    default:
      return [JSON.stringify({ ...common, service: 'kms', operation: what, requestId, error })]
  }
}

const read = (all: readonly Made[]) => {
  const calls = new LoggedCalls()
  for (const made of all) for (const line of lines(made)) expect(calls.add(line)).toBe(true)
  return calls.report(RULES)
}

const CASES: readonly (readonly [what: string, all: readonly Made[], made: number, left: number])[] = [
  ['no call', [{ at: 0, what: 'sse-s3' }], 0, 0],
  [
    'two PUTs within five minutes',
    [
      { at: 0, what: 'put' },
      { at: 299, what: 'put' },
    ],
    2,
    1,
  ],
  [
    'and one after them',
    [
      { at: 0, what: 'put' },
      { at: 299, what: 'put' },
      { at: 300, what: 'put' },
    ],
    3,
    2,
  ],
  [
    'another requester',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'put', caller: 'bob' },
    ],
    2,
    2,
  ],
  [
    'another bucket',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'put', bucket: 'c' },
    ],
    2,
    2,
  ],
  [
    'another process',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'put', pid: 2 },
    ],
    2,
    2,
  ],
  [
    'another key',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'put', kmsKey: 'L' },
    ],
    2,
    2,
  ],
  [
    'the writer reads',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'get' },
    ],
    2,
    1,
  ],
  [
    'somebody else reads twice',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'get', caller: 'bob' },
      { at: 2, what: 'get', caller: 'bob' },
    ],
    3,
    2,
  ],
  [
    'two objects of one bucket key are read',
    [
      { at: 0, what: 'put', key: 'x' },
      { at: 1, what: 'put', key: 'y' },
      { at: 400, what: 'get', key: 'x' },
      { at: 401, what: 'get', key: 'y' },
    ],
    4,
    2,
  ],
  [
    'two objects of before the log',
    [
      { at: 0, what: 'get', key: 'x' },
      { at: 1, what: 'get', key: 'y' },
    ],
    2,
    2,
  ],
  [
    'one object of before the log, twice',
    [
      { at: 0, what: 'get' },
      { at: 299, what: 'get' },
    ],
    2,
    1,
  ],
  [
    'written anew under another bucket key',
    [
      { at: 0, what: 'put' },
      { at: 400, what: 'put' },
      { at: 401, what: 'get', caller: 'bob' },
      { at: 402, what: 'get', caller: 'bob' },
    ],
    4,
    3,
  ],
  [
    'DSSE-KMS',
    [
      { at: 0, what: 'dsse' },
      { at: 1, what: 'dsse' },
    ],
    2,
    2,
  ],
  [
    'the source of a copy is not known',
    [
      { at: 0, what: 'put' },
      { at: 1, what: 'copy' },
    ],
    3,
    2,
  ],
  [
    'direct calls',
    [
      { at: 0, what: 'Encrypt' },
      { at: 1, what: 'Encrypt' },
      { at: 1, what: 'DescribeKey' },
    ],
    2,
    2,
  ],
]
test.each(CASES)('%s', (_, all, made, left) => {
  const report = read(all)
  expect([report.without.calls, report.with.calls]).toEqual([made, left])
})

test('no more bucket keys than a process keeps', () => {
  const round = (from: number) => Array.from({ length: 11 }, (_, i) => ({ at: from + i, what: 'put', bucket: `b${i}` }))
  expect(read([...round(0), ...round(20)]).with.calls).toBe(22)
  expect(read([...round(0).slice(1), ...round(20).slice(1)]).with.calls).toBe(10)
})

test('busiest second, average and operations, also of what was throttled', () => {
  const {
    fromMs,
    toMs,
    without,
    with: left,
    operations,
  } = read([
    { at: 0.2, what: 'put' },
    { at: 10.1, what: 'get' },
    { at: 10.5, what: 'get' },
    { at: 10.9, what: 'put', error: 'KmsThrottled' },
    { at: 11, what: 'Decrypt', error: 'ThrottlingException' },
    { at: 20.2, what: 'ListKeys' },
  ])
  expect([fromMs, toMs]).toEqual([START + 200, START + 20_200])
  expect(without).toEqual({ calls: 5, average: 0.25, busiestSecond: 3, busiestAtMs: START + 10_000 })
  expect(left).toEqual({ calls: 2, average: 0.1, busiestSecond: 1, busiestAtMs: START })
  expect(operations).toEqual([
    { operation: 'GenerateDataKey', viaS3: true, calls: 2, throttled: 1, left: 1 },
    { operation: 'Decrypt', viaS3: true, calls: 2, throttled: 0, left: 0 },
    { operation: 'Decrypt', viaS3: false, calls: 1, throttled: 1, left: 1 },
    { operation: 'ListKeys', viaS3: false, calls: 1, throttled: 0, left: 1 },
  ])
})

test('the order of the processes’ lines is of no account, nor is a request whose line is cut off', () => {
  const calls = new LoggedCalls()
  const [late, early] = [lines({ at: 5, what: 'put' }), lines({ at: 1, what: 'put' })]
  for (const line of [late[0]!, early[0]!, early[1]!, late[1]!, lines({ at: 6, what: 'put' })[0]!]) calls.add(line)
  expect(calls.report(RULES)).toMatchObject({ without: { calls: 3 }, with: { calls: 2 } })
})

test.each([
  '',
  'strongroom: a worker was lost',
  '{"event":"request"',
  '{"event":"other","startedAtMs":1}',
  '{"event":"request"}',
])('%j is no line of a request log', (line) => {
  const calls = new LoggedCalls()
  expect(calls.add(line)).toBe(false)
  expect(() => calls.report(RULES)).toThrow(RangeError)
})
