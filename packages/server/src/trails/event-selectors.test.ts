import { expect, test } from 'vitest'
import { eventFacts, regionInTrail } from './event-record.ts'
import { type EventFacts, type EventSelector, type FieldSelector, selects, wantsDataEvents } from './event-selectors.ts'
import { requireAdvancedEventSelectors, requireEventSelectors } from './selector-rules.ts'

const management: EventFacts = {
  eventCategory: 'Management',
  eventSource: 'kms.amazonaws.com',
  eventName: 'Decrypt',
  eventType: 'AwsApiCall',
  readOnly: true,
  userArn: 'arn:aws:iam::111111111111:user/alice',
  sessionCredentialFromConsole: false,
  resources: [{ type: 'AWS::KMS::Key', arn: 'arn:aws:kms:us-east-1:111111111111:key/1' }],
}
const data: EventFacts = {
  ...management,
  eventCategory: 'Data',
  eventSource: 's3.amazonaws.com',
  eventName: 'PutObject',
  readOnly: false,
  resources: [
    { type: 'AWS::S3::Object', arn: 'arn:aws:s3:::bucket/logs/x' },
    { type: 'AWS::S3::Bucket', arn: 'arn:aws:s3:::bucket' },
  ],
}
const insight = { ...management, eventCategory: 'Insight' }

const basic = (more: Partial<EventSelector> = {}): EventSelector => ({
  ReadWriteType: 'All',
  IncludeManagementEvents: true,
  DataResources: [],
  ExcludeManagementEventSources: [],
  ...more,
})
const objects = (...Values: string[]) => ({ DataResources: [{ Type: 'AWS::S3::Object', Values }] })

test.each<[string, EventSelector[] | undefined, EventFacts, boolean]>([
  ['nothing said: management', undefined, management, true],
  ['nothing said: data', undefined, data, false],
  ['nothing said: insight', undefined, insight, false],
  ['read only: a read', [basic({ ReadWriteType: 'ReadOnly' })], management, true],
  ['write only: a read', [basic({ ReadWriteType: 'WriteOnly' })], management, false],
  ['no management', [basic({ IncludeManagementEvents: false, ...objects('arn:aws:s3') })], management, false],
  ['KMS excluded', [basic({ ExcludeManagementEventSources: ['kms.amazonaws.com'] })], management, false],
  [
    'KMS excluded: IAM',
    [basic({ ExcludeManagementEventSources: ['kms.amazonaws.com'] })],
    { ...management, eventSource: 'iam.amazonaws.com' },
    true,
  ],
  [
    'excluded in one of two',
    [basic({ ExcludeManagementEventSources: ['kms.amazonaws.com'] }), basic()],
    management,
    true,
  ],
  ['all objects', [basic(objects('arn:aws:s3'))], data, true],
  ['all objects, the longer form', [basic(objects('arn:aws:s3:::'))], data, true],
  ['a bucket', [basic(objects('arn:aws:s3:::bucket/'))], data, true],
  ['a prefix', [basic(objects('arn:aws:s3:::bucket/log'))], data, true],
  ['another prefix', [basic(objects('arn:aws:s3:::bucket/other'))], data, false],
  ['another bucket, whose name begins alike', [basic(objects('arn:aws:s3:::bucke/'))], data, false],
  ['one of several', [basic(objects('arn:aws:s3:::other/', 'arn:aws:s3:::bucket/'))], data, true],
  ['read only: a write', [basic({ ReadWriteType: 'ReadOnly', ...objects('arn:aws:s3') })], data, false],
  ['functions', [basic({ DataResources: [{ Type: 'AWS::Lambda::Function', Values: ['arn:aws:'] }] })], data, false],
  ['all objects: insight', [basic(objects('arn:aws:s3'))], insight, false],
])('basic: %s', (_, selectors, event, taken) => {
  expect(selects(selectors && { basic: selectors }, event)).toBe(taken)
})

const category = (value: string): FieldSelector => ({ Field: 'eventCategory', Equals: [value] })
const ofObjects: FieldSelector = { Field: 'resources.type', Equals: ['AWS::S3::Object'] }
const arn = (more: Omit<FieldSelector, 'Field'>): FieldSelector => ({ Field: 'resources.ARN', ...more })

test.each<[string, FieldSelector[], EventFacts, boolean]>([
  ['category', [category('Management')], management, true],
  ['another category', [category('Data')], management, false],
  ['all of its fields', [category('Data'), ofObjects, { Field: 'readOnly', Equals: ['false'] }], data, true],
  ['all but one', [category('Data'), ofObjects, { Field: 'readOnly', Equals: ['true'] }], data, false],
  [
    'event name, one of two',
    [category('Data'), { Field: 'eventName', Equals: ['GetObject', 'PutObject'] }],
    data,
    true,
  ],
  ['beginning', [category('Data'), ofObjects, arn({ StartsWith: ['arn:aws:s3:::bucket/'] })], data, true],
  ['end', [category('Data'), ofObjects, arn({ EndsWith: ['/y', '/x'] })], data, true],
  ['not the beginning', [category('Data'), ofObjects, arn({ NotStartsWith: ['arn:aws:s3:::bucket/'] })], data, false],
  ['not one of two', [category('Data'), ofObjects, arn({ NotEndsWith: ['/y', '/x'] })], data, false],
  ['not another', [category('Data'), ofObjects, arn({ NotEquals: ['arn:aws:s3:::bucket/logs/y'] })], data, true],
  // What is said of ARNs is not said of the bucket, which is of another type.
  ['not the bucket', [category('Data'), ofObjects, arn({ NotEquals: ['arn:aws:s3:::bucket'] })], data, true],
  ['the bucket', [category('Data'), ofObjects, arn({ Equals: ['arn:aws:s3:::bucket'] })], data, false],
  [
    'selecting and deselecting',
    [
      category('Data'),
      ofObjects,
      arn({ StartsWith: ['arn:aws:s3:::bucket/'], NotStartsWith: ['arn:aws:s3:::bucket/logs'] }),
    ],
    data,
    false,
  ],
  ['either of two operators', [category('Data'), ofObjects, arn({ Equals: ['x'], EndsWith: ['/x'] })], data, true],
  ['not KMS', [category('Management'), { Field: 'eventSource', NotEquals: ['kms.amazonaws.com'] }], management, false],
  ['the user', [category('Management'), { Field: 'userIdentity.arn', EndsWith: ['/alice'] }], management, true],
  ['not the user', [category('Management'), { Field: 'userIdentity.arn', NotEndsWith: ['/alice'] }], management, false],
  [
    'the user, where there is none',
    [category('Management'), { Field: 'userIdentity.arn', StartsWith: ['a'] }],
    { ...management, userArn: undefined },
    false,
  ],
  ['a field that is not known', [category('Management'), { Field: 'x', Equals: ['y'] }], management, false],
])('advanced: %s', (_, FieldSelectors, event, taken) => {
  expect(selects({ advanced: [{ FieldSelectors }] }, event)).toBe(taken)
  expect(selects({ advanced: [{ FieldSelectors: [category('None')] }, { FieldSelectors }] }, event)).toBe(taken)
})

test('data events are wanted where a selector may take one', () => {
  expect(wantsDataEvents(undefined)).toBe(false)
  expect(wantsDataEvents({ basic: [basic()] })).toBe(false)
  expect(wantsDataEvents({ basic: [basic(objects('arn:aws:s3'))] })).toBe(true)
  expect(wantsDataEvents({ advanced: [{ FieldSelectors: [category('Management')] }] })).toBe(false)
  expect(wantsDataEvents({ advanced: [{ FieldSelectors: [category('Data'), ofObjects] }] })).toBe(true)
})

const problemOf = (run: () => void): string | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    const { refusal, message } = (error as { detail: { refusal: string; message: string } }).detail
    expect(refusal).toBe('InvalidEventSelectors')
    return message
  }
}

test.each<[string, EventSelector[], RegExp | undefined]>([
  ['the default', [basic()], undefined],
  ['five', Array.from({ length: 5 }, () => basic()), undefined],
  ['none', [], /at least one/],
  ['six', Array.from({ length: 6 }, () => basic()), /up to 5 event selectors/],
  ['250 resources', [basic(objects(...Array.from({ length: 250 }, (_, i) => `arn:aws:s3:::b${i}x/`)))], undefined],
  ['251 resources', [basic(objects(...Array.from({ length: 251 }, (_, i) => `arn:aws:s3:::b${i}x/`)))], /up to 250/],
  ['nothing', [basic({ IncludeManagementEvents: false })], /must include management events/],
  ['an unknown type', [basic({ DataResources: [{ Type: 'AWS::S3::Bucket', Values: ['arn:aws:s3'] }] })], /Type/],
  ['a bucket without a slash', [basic(objects('arn:aws:s3:::bucket'))], /arn:aws:s3:::bucket for DataResources.Values/],
  ['no value', [basic(objects())], /at least one value/],
  ['all objects', [basic(objects('arn:aws:s3', 'arn:aws:s3:::', 'arn:aws:s3:::bucket/a b/'))], undefined],
  ['exclusion of S3', [basic({ ExcludeManagementEventSources: ['s3.amazonaws.com'] })], /cannot be excluded/],
  [
    'exclusion without inclusion',
    [
      basic({
        IncludeManagementEvents: false,
        ExcludeManagementEventSources: ['kms.amazonaws.com'],
        ...objects('arn:aws:s3'),
      }),
    ],
    /IncludeManagementEvents/,
  ],
])('basic selectors can be: %s', (_, selectors, problem) => {
  const found = problemOf(() => requireEventSelectors(selectors))
  if (problem) expect(found).toMatch(problem)
  else expect(found).toBeUndefined()
})

test.each<[string, FieldSelector[], RegExp | undefined]>([
  ['management', [category('Management')], undefined],
  ['data', [category('Data'), ofObjects], undefined],
  ['no category', [ofObjects], /eventCategory with the operator Equals/],
  ['category by another operator', [{ Field: 'eventCategory', StartsWith: ['Data'] }, ofObjects], /eventCategory/],
  ['another category', [category('NetworkActivity')], /NetworkActivity/],
  ['two categories', [{ Field: 'eventCategory', Equals: ['Management', 'Data'] }], /takes one value/],
  ['data without a type', [category('Data')], /resources.type/],
  ['a field of data events', [category('Management'), ofObjects], /resources.type is not valid/],
  ['a field twice', [category('Management'), category('Management')], /once only/],
  ['an operator too many', [category('Data'), { ...ofObjects, NotEquals: ['AWS::S3::X'] }], /Equals only/],
  ['no operator', [category('Management'), { Field: 'eventName' }], /needs an operator/],
  ['an empty operator', [category('Management'), { Field: 'eventName', Equals: [] }], /has no value/],
  ['readOnly', [category('Management'), { Field: 'readOnly', Equals: ['yes'] }], /yes is not valid/],
  ['500 values', [category('Management'), { Field: 'eventName', Equals: Array(499).fill('A') }], undefined],
  ['501 values', [category('Management'), { Field: 'eventName', Equals: Array(500).fill('A') }], /up to 500 values/],
])('advanced selectors can be: %s', (_, FieldSelectors, problem) => {
  const found = problemOf(() => requireAdvancedEventSelectors([{ FieldSelectors }]))
  if (problem) expect(found).toMatch(problem)
  else expect(found).toBeUndefined()
})

test('no advanced selector at all cannot be', () => {
  expect(problemOf(() => requireAdvancedEventSelectors([]))).toMatch(/at least one/)
})

test('the facts of a record', () => {
  const record = {
    eventTime: '2026-01-01T00:00:00Z',
    eventSource: 's3.amazonaws.com',
    eventName: 'ListObjects',
    awsRegion: 'us-east-1',
    resources: [{ type: 'AWS::S3::Object', ARNPrefix: 'arn:aws:s3:::b/' }],
  }
  expect(eventFacts(record)).toEqual({
    eventCategory: 'Management',
    eventSource: 's3.amazonaws.com',
    eventName: 'ListObjects',
    eventType: 'AwsApiCall',
    readOnly: false,
    userArn: undefined,
    sessionCredentialFromConsole: false,
    resources: [{ type: 'AWS::S3::Object', arn: 'arn:aws:s3:::b/' }],
  })
})

test.each<[string, awsRegion: string, source: string, multi: boolean, global: boolean, expected: string | undefined]>([
  ['at home', 'eu-west-1', 'kms', false, true, 'eu-west-1'],
  ['elsewhere', 'us-east-1', 'kms', false, true, undefined],
  ['elsewhere, of all regions', 'eu-north-1', 'kms', true, true, 'eu-north-1'],
  ['in a region that the server has not', 'us-east-1', 'kms', true, true, 'eu-west-1'],
  ['global', 'us-east-1', 'iam', false, true, 'eu-west-1'],
  ['global, not wanted', 'us-east-1', 'sts', false, false, undefined],
  ['global, of all regions', 'eu-north-1', 'sts', true, true, 'eu-north-1'],
])('the region of an event in a trail: %s', (_, awsRegion, source, isMultiRegionTrail, global, expected) => {
  const trail = { homeRegion: 'eu-west-1', isMultiRegionTrail, includeGlobalServiceEvents: global }
  const event = { awsRegion, eventSource: `${source}.amazonaws.com` }
  expect(regionInTrail(trail, event, ['eu-west-1', 'eu-north-1'])).toBe(expected)
})
