import { expect, test } from 'vitest'
import { digestKeyName, logFileKey, logFolder, uniqueText } from './log-file-name.ts'
import { readTrailReference, requireTrailName } from './trail-name.ts'

const refusalOf = (run: () => unknown): string | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    const { refusal, message } = (error as { detail: { refusal: string; message: string } }).detail
    return `${refusal}: ${message}`
  }
}

test.each(['abc', 'a.b', 'my-trail_1.x', 'A'.repeat(128), '0a0', '1.2.3', '1.2.3.4.5'])('%s is a name', (name) => {
  expect(requireTrailName(name)).toBe(name)
})

test.each([
  ['', 'Trail name cannot be blank!'],
  ['ab', 'Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.'],
  [
    'a'.repeat(129),
    'Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.',
  ],
  ['-ab', 'Trail name must starts with a letter or number.'],
  ['ab_', 'Trail name must ends with a letter or number.'],
  [
    'a b',
    'Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).',
  ],
  ['a._b', 'Trail name cannot have adjacent periods (.), hyphens (-), or underscores (_).'],
  ['192.168.5.4', 'Trail name cannot be in IP address format.'],
])('%j is none', (name, message) => {
  expect(refusalOf(() => requireTrailName(name))).toBe(`InvalidTrailName: ${message}`)
})

test('a trail is told by name or ARN', () => {
  const here = ['111111111111', 'us-east-1'] as const
  expect(readTrailReference('abc', ...here)).toEqual({ accountId: here[0], region: here[1], name: 'abc' })
  expect(readTrailReference('arn:aws:cloudtrail:eu-west-1:222222222222:trail/abc', ...here)).toEqual({
    accountId: '222222222222',
    region: 'eu-west-1',
    name: 'abc',
  })
  for (const arn of ['arn:aws:cloudtrail:eu-west-1:2222:trail/abc', 'arn:aws:s3:::bucket', 'arn:']) {
    expect(refusalOf(() => readTrailReference(arn, ...here))).toContain('CloudTrailARNInvalid: ')
  }
  expect(refusalOf(() => readTrailReference('arn:aws:cloudtrail:eu-west-1:222222222222:trail/a', ...here))).toContain(
    'InvalidTrailName: ',
  )
})

test('object keys are as CloudTrail has them', () => {
  const trail = { accountId: '111122223333', name: 'my-trail', homeRegion: 'us-east-2' }
  const atMs = Date.parse('2015-08-12T04:01:31.999Z')
  expect(logFileKey(trail, 'us-east-1', atMs, 'Mu0KsOhtH1ar15ZZ')).toBe(
    'AWSLogs/111122223333/CloudTrail/us-east-1/2015/08/12/111122223333_CloudTrail_us-east-1_20150812T0401Z_Mu0KsOhtH1ar15ZZ.json.gz',
  )
  expect(digestKeyName({ ...trail, s3KeyPrefix: 'a/b' }, 'us-east-1', atMs)).toBe(
    'a/b/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2015/08/12/111122223333_CloudTrail-Digest_us-east-1_my-trail_us-east-2_20150812T040131Z.json.gz',
  )
  expect(logFolder({ ...trail, s3KeyPrefix: 'p' })).toBe('p/AWSLogs/111122223333/')
  expect(uniqueText()).toMatch(/^[A-Za-z0-9]{16}$/)
  expect(uniqueText()).not.toBe(uniqueText())
})
