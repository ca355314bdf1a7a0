/** Session tokens: what was sealed comes back for its key and in its time, and nothing else does. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Sessions } from './sessions.ts'

let nowMs = 1_700_000_000_000
const sessions = new Sessions(new Uint8Array(32).fill(3), { nowMs: () => nowMs })
const bearer = { kind: 'role', roleName: 'reader', roleId: 'AROAX', sessionName: 'me' } as const
const start = () =>
  sessions.start({ accountId: '111111111111', bearer, durationSeconds: 900, policyArns: ['arn'], tags: { team: 'x' } })

test('a session is what was started, and ends when it says', () => {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } = start()
  expect(accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/)
  expect(expiresAtMs).toBe(nowMs + 900_000)
  expect(sessions.open(sessionToken, accessKeyId)).toMatchObject({
    accessKeyId,
    secretAccessKey,
    bearer,
    tags: { team: 'x' },
  })
  const started = nowMs
  nowMs = expiresAtMs - 1
  expect(sessions.open(sessionToken, accessKeyId).accountId).toBe('111111111111')
  nowMs = expiresAtMs
  expect(() => sessions.open(sessionToken, accessKeyId)).toThrow(
    expect.objectContaining({ code: 'SessionTokenExpired' }),
  )
  nowMs = started
})

test('nothing of it stands in the token in clear', () => {
  const { sessionToken, secretAccessKey } = start()
  const bytes = Buffer.from(sessionToken, 'base64').toString('latin1')
  for (const text of ['reader', 'AROAX', '111111111111', secretAccessKey]) expect(bytes).not.toContain(text)
})

const invalid = expect.objectContaining({ code: 'SessionTokenInvalid' })

test('another key, another server, and what is no token', () => {
  const [one, other] = [start(), start()]
  expect(() => sessions.open(one.sessionToken, other.accessKeyId)).toThrow(invalid)
  const stranger = new Sessions(new Uint8Array(32).fill(4), { nowMs: () => nowMs })
  expect(() => stranger.open(one.sessionToken, one.accessKeyId)).toThrow(invalid)
  for (const text of ['', 'x', 'AQ==', `${one.sessionToken}=`, ` ${one.sessionToken}`, one.sessionToken.slice(0, -4)]) {
    expect(() => sessions.open(text, one.accessKeyId)).toThrow(invalid)
  }
})

test('any flipped bit is refused', () => {
  const { sessionToken, accessKeyId } = start()
  const bytes = Buffer.from(sessionToken, 'base64')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), (bit) => {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => sessions.open(changed.toString('base64'), accessKeyId)).toThrow(invalid)
    }),
  )
})
