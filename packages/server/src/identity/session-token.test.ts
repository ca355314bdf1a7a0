import { deflateRawSync } from 'node:zlib'
import { deriveKey, MessageKey } from '@strongroom/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreKey } from '../root-key/store-key.ts'
import { packedPolicySize, type SessionClaims, SessionTokens } from './session-token.ts'
import { Sessions } from './sessions.ts'
import { accountOfTemporaryKey, temporaryAccessKeyId } from './temporary-access-key.ts'

const storeKey = StoreKey.of(new Uint8Array(32).fill(7))
const KEY = storeKey.derive('session tokens')
const claims: SessionClaims = {
  accessKeyId: 'ASIAAAAAAAAAAAAAAAAA',
  secretAccessKey: 'secret',
  accountId: '111111111111',
  bearer: { kind: 'role', roleName: 'r', roleId: 'AROA1', sessionName: 's' },
  policyArns: [],
  tags: { Team: 'é' },
  transitiveTagKeys: ['Team'],
  issuedAtMs: 0,
  expiresAtMs: 900_000,
}
const token = new SessionTokens(KEY).seal(claims)
const invalid = { code: 'SessionTokenInvalid' }

function open(text: string, accessKeyId = claims.accessKeyId, nowMs = 0, key = KEY) {
  return new SessionTokens(key).open(text, accessKeyId, nowMs)
}

const failure = (run: () => unknown) => {
  try {
    return { opened: run() }
  } catch (error) {
    return error
  }
}

test('a token is its claims, on every process with the same key, and shows nothing of them', () => {
  expect(open(token)).toEqual(claims)
  expect(Buffer.from(token, 'base64').includes('secret')).toBe(false)
})

test.each([
  ['nothing', ''],
  ['no base64', '!!!'],
  ['another layout', Buffer.concat([Buffer.from([3]), Buffer.from(token, 'base64').subarray(1)]).toString('base64')],
  ['white space at its end', `${token}\n`],
  ['cut', token.slice(0, -4)],
  ['far too long', 'A'.repeat(1_000_000)],
])('%s is no token', (_what, text) => {
  expect(failure(() => open(text))).toMatchObject(invalid)
})

test('a token is of one access key and of one store key', () => {
  expect(failure(() => open(token, 'ASIABBBBBBBBBBBBBBBB'))).toMatchObject(invalid)
  expect(
    failure(() => open(token, claims.accessKeyId, 0, StoreKey.of(new Uint8Array(32)).derive('session tokens'))),
  ).toMatchObject(invalid)
  const tokens = new SessionTokens(KEY)
  tokens.open(token, claims.accessKeyId, 0)
  // Also where it has been opened and is remembered.
  expect(failure(() => tokens.open(token, 'ASIABBBBBBBBBBBBBBBB', 0))).toMatchObject(invalid)
})

test('a token of the time before there were versions opens with the first one', () => {
  const key = new MessageKey(deriveKey(new Uint8Array(32).fill(7), 'strongroom root session tokens'))
  const sealed = key.seal(deflateRawSync(JSON.stringify(claims)), Buffer.from('strongroom session token 1'))
  expect(open(Buffer.concat([new Uint8Array([1]), sealed]).toString('base64'))).toEqual(claims)
})

test('a token ends with the version that sealed it, also where it is remembered', () => {
  const ring = StoreKey.of(new Uint8Array(32).fill(7))
  const tokens = new SessionTokens(ring.derive('session tokens'))
  const sealed = tokens.seal(claims)
  tokens.open(sealed, claims.accessKeyId, 0)
  const second = { version: 2, key: Buffer.alloc(32, 8).toString('base64') }
  ring.update({ sealing: 2, versions: [...ring.export().versions, second] })
  expect(tokens.open(sealed, claims.accessKeyId, 0)).toEqual(claims)
  ring.update({ sealing: 2, versions: [second] })
  expect(failure(() => tokens.open(sealed, claims.accessKeyId, 0))).toMatchObject(invalid)
  expect(tokens.open(tokens.seal(claims), claims.accessKeyId, 0)).toEqual(claims)
})

test('any change of any byte is refused', () => {
  const bytes = Buffer.from(token, 'base64')
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(bytes)
      changed[at]! ^= flip
      expect(failure(() => open(changed.toString('base64')))).toMatchObject(invalid)
    }),
  )
})

test('a session ends when it says, to the millisecond, also where its token is remembered', () => {
  let nowMs = 1_000
  const sessions = new Sessions(KEY, { nowMs: () => nowMs })
  const { accessKeyId, sessionToken, expiresAtMs } = sessions.start({
    accountId: '111111111111',
    bearer: { kind: 'root' },
    durationSeconds: 900,
  })
  expect(expiresAtMs).toBe(901_000)
  nowMs = 900_999
  expect(sessions.open(sessionToken, accessKeyId)).toMatchObject({ bearer: { kind: 'root' }, issuedAtMs: 1_000 })
  nowMs = 901_000
  expect(failure(() => sessions.open(sessionToken, accessKeyId))).toMatchObject({ code: 'SessionTokenExpired' })
})

test('an access key id tells its account', () => {
  const account = fc.integer({ min: 0, max: 999_999_999_999 }).map((number) => String(number).padStart(12, '0'))
  fc.assert(
    fc.property(account, (accountId) => {
      const id = temporaryAccessKeyId(accountId)
      expect(id).toMatch(/^ASIA[A-Z2-7]{16}$/)
      expect(accountOfTemporaryKey(id)).toBe(accountId)
    }),
  )
  expect(accountOfTemporaryKey('AKIAAAAAAAAAAAAAAAAA')).toBeUndefined()
  expect(accountOfTemporaryKey('ASIA777777777777777')).toBeUndefined()
})

test('what a session carries is measured where it carries something', () => {
  const none = { policy: undefined, policyArns: [], tags: {}, transitiveTagKeys: [] }
  expect(packedPolicySize(none)).toBeUndefined()
  expect(packedPolicySize({ ...none, tags: { a: 'b' } })).toBeLessThan(5)
  const noise = Array.from({ length: 50 }, (_, i) => [
    `k${i}`,
    temporaryAccessKeyId(String(i).repeat(12).slice(0, 12)).repeat(10),
  ])
  expect(packedPolicySize({ ...none, tags: Object.fromEntries(noise) })).toBeGreaterThan(20)
})
