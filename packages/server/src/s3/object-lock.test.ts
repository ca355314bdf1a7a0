import { describe, expect, test } from 'vitest'
import { S3Error } from './errors.ts'
import {
  legalHoldDocument,
  lockOfWrite,
  objectLockConfigurationDocument,
  readLegalHold,
  readObjectLockConfiguration,
  readRetention,
  retentionDocument,
} from './object-lock.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const MODE = 'x-amz-object-lock-mode'
const UNTIL = 'x-amz-object-lock-retain-until-date'
const HOLD = 'x-amz-object-lock-legal-hold'

/** Code, message and argument of what was thrown. */
function refusal(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (!(error instanceof S3Error)) throw error
    return [error.code, error.message, error.fields.ArgumentName].filter((fact) => fact !== undefined).join(' | ')
  }
  throw new Error('nothing was refused')
}

describe('headers', () => {
  const read = (headers: Record<string, string>) =>
    lockOfWrite({ headers, call: { atMs: NOW } as Parameters<typeof lockOfWrite>[0]['call'] })

  test.each<[string, Record<string, string>, unknown]>([
    ['none', {}, undefined],
    [
      'a retention',
      { [MODE]: 'GOVERNANCE', [UNTIL]: '2030-01-02T00:00:00Z' },
      { retention: { mode: 'GOVERNANCE', retainUntilMs: NOW + 86_400_000 } },
    ],
    [
      'all, with fractions and a zone',
      { [MODE]: 'COMPLIANCE', [UNTIL]: '2030-01-01T02:00:00.250+01:00', [HOLD]: 'ON' },
      { retention: { mode: 'COMPLIANCE', retainUntilMs: NOW + 3_600_250 }, legalHold: 'ON' },
    ],
    [
      'no zone is UTC',
      { [MODE]: 'COMPLIANCE', [UNTIL]: '2030-01-01T00:00:01' },
      { retention: { mode: 'COMPLIANCE', retainUntilMs: NOW + 1000 } },
    ],
    ['a hold that is off', { [HOLD]: 'OFF' }, { legalHold: 'OFF' }],
  ])('%s', (_, headers, expected) => {
    expect(read(headers)).toEqual(expected)
  })

  const both = `${UNTIL} and ${MODE} must both be supplied`
  test.each<[Record<string, string>, string]>([
    [{ [MODE]: 'GOVERNANCE' }, `${both} | ${UNTIL}`],
    [{ [UNTIL]: '2031-01-01T00:00:00Z' }, `${both} | ${MODE}`],
    [{ [MODE]: 'abc', [UNTIL]: '2031-01-01T00:00:00Z' }, `Unknown wormMode directive. | ${MODE}`],
    [{ [MODE]: 'governance', [UNTIL]: '2031-01-01T00:00:00Z' }, `Unknown wormMode directive. | ${MODE}`],
    [{ [MODE]: 'GOVERNANCE', [UNTIL]: 'abc' }, `The retain until date must be provided in ISO 8601 format | ${UNTIL}`],
    [
      { [MODE]: 'GOVERNANCE', [UNTIL]: '2031-13-01T00:00:00Z' },
      `The retain until date must be provided in ISO 8601 format | ${UNTIL}`,
    ],
    [
      { [MODE]: 'GOVERNANCE', [UNTIL]: '2030-01-01T00:00:00Z' },
      `The retain until date must be in the future! | ${UNTIL}`,
    ],
    [{ [HOLD]: 'on' }, `Legal Hold must be either of 'ON' or 'OFF' | ${HOLD}`],
  ])('%j', (headers, expected) => {
    expect(refusal(() => read(headers))).toBe(`InvalidArgument | ${expected}`)
  })
})

const MALFORMED = /^MalformedXML/
const bytes = (text: string) => Buffer.from(text)

describe('Retention', () => {
  const read = (inner: string) => readRetention(bytes(`<Retention>${inner}</Retention>`), NOW)
  test('what is written is read again; an empty one takes it away', () => {
    const retention = { mode: 'COMPLIANCE', retainUntilMs: NOW + 1 } as const
    expect(readRetention(bytes(retentionDocument(retention)), NOW)).toEqual(retention)
    expect(read('')).toBeUndefined()
  })
  test.each([
    ['<Mode>GOVERNANCE</Mode>', MALFORMED],
    ['<RetainUntilDate>2031-01-01T00:00:00Z</RetainUntilDate>', MALFORMED],
    ['<Mode>governance</Mode><RetainUntilDate>2031-01-01T00:00:00Z</RetainUntilDate>', MALFORMED],
    ['<Mode>GOVERNANCE</Mode><RetainUntilDate>tomorrow</RetainUntilDate>', MALFORMED],
    [
      '<Mode>GOVERNANCE</Mode><RetainUntilDate>2029-01-01T00:00:00Z</RetainUntilDate>',
      /^InvalidArgument \| The retain until date must be in the future! \| RetainUntilDate$/,
    ],
    ['<EventHold>ON</EventHold>', /^NotImplemented/],
  ])('%s', (inner, expected) => {
    expect(refusal(() => read(inner))).toMatch(expected)
  })
})

test('LegalHold', () => {
  for (const status of ['ON', 'OFF'] as const) expect(readLegalHold(bytes(legalHoldDocument(status)))).toBe(status)
  for (const text of [
    '<LegalHold/>',
    '<LegalHold><Status>on</Status></LegalHold>',
    '<Hold><Status>ON</Status></Hold>',
  ]) {
    expect(refusal(() => readLegalHold(bytes(text)))).toMatch(MALFORMED)
  }
})

describe('ObjectLockConfiguration', () => {
  const read = (inner: string) =>
    readObjectLockConfiguration(bytes(`<ObjectLockConfiguration>${inner}</ObjectLockConfiguration>`))
  const ENABLED = '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'
  const rule = (inner: string) => `${ENABLED}<Rule><DefaultRetention>${inner}</DefaultRetention></Rule>`
  const MODE_ELEMENT = '<Mode>GOVERNANCE</Mode>'

  test.each([
    {},
    { defaultRetention: { mode: 'GOVERNANCE', period: { days: 36_500 } } },
    { defaultRetention: { mode: 'COMPLIANCE', period: { years: 100 } } },
  ] as const)('what is written is read again: %j', (configuration) => {
    expect(readObjectLockConfiguration(bytes(objectLockConfigurationDocument(configuration)))).toEqual(configuration)
  })

  const positive = (name: string) =>
    `InvalidArgument | Default retention period must be a positive integer value. | ${name}`
  const large = (name: string) => `InvalidArgument | Default retention period too large. | ${name}`
  test.each<[string, string | RegExp]>([
    ['', MALFORMED],
    ['<ObjectLockEnabled>Disabled</ObjectLockEnabled>', MALFORMED],
    [`${ENABLED}<Rule/>`, MALFORMED],
    [rule(''), MALFORMED],
    [rule(MODE_ELEMENT), MALFORMED],
    [rule('<Days>1</Days>'), MALFORMED],
    [rule('<Mode>BAD</Mode><Days>1</Days>'), MALFORMED],
    [rule(`${MODE_ELEMENT}<Days>1</Days><Years>1</Years>`), MALFORMED],
    [rule(`${MODE_ELEMENT}<Days>one</Days>`), MALFORMED],
    [rule(`${MODE_ELEMENT}<Days>0</Days>`), positive('Days')],
    [rule(`${MODE_ELEMENT}<Years>-1</Years>`), positive('Years')],
    [rule(`${MODE_ELEMENT}<Days>36501</Days>`), large('Days')],
    [rule(`${MODE_ELEMENT}<Years>101</Years>`), large('Years')],
    [rule('<DefaultEventHold><Days>1</Days></DefaultEventHold>'), /^NotImplemented/],
  ])('%s', (inner, expected) => {
    const found = refusal(() => read(inner))
    if (typeof expected === 'string') expect(found).toBe(expected)
    else expect(found).toMatch(expected)
  })
})
