import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { ACCOUNT, identityRoom } from './identity.fixture.ts'
import { OidcKeys } from './oidc-keys.ts'
import { verifyWebIdentity } from './web-identity.ts'

const ISSUER = 'https://id.example.com/realm'
const NOW_MS = 1_700_000_000_000
const seconds = NOW_MS / 1000
const goodClaims = { iss: ISSUER, sub: 'ann', aud: 'app', iat: seconds - 10, exp: seconds + 60, amr: ['pwd', 'otp'] }

interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: object
}

async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

const sign = ({ kid, alg, privateKey }: SigningKey, claims: JWTPayload) =>
  new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey)

let one: SigningKey
let two: SigningKey
let rsa: SigningKey
beforeAll(async () => {
  ;[one, two, rsa] = await Promise.all([signingKey('one'), signingKey('two'), signingKey('rsa', 'RS256')])
})

/** A provider that serves these documents, with what was asked of it and a clock that tests move. */
async function provider(documents: { jwks?: () => unknown; discovery?: object } = {}) {
  const asked: string[] = []
  const time = { nowMs: NOW_MS }
  const clock = { nowMs: () => time.nowMs }
  const jwks = documents.jwks ?? (() => ({ keys: [one.jwk, rsa.jwk] }))
  const discovery = documents.discovery ?? { issuer: ISSUER, jwks_uri: 'https://id.example.com/keys' }
  const keys = new OidcKeys(async (url) => {
    asked.push(url.href)
    return JSON.stringify(url.pathname.endsWith('openid-configuration') ? discovery : jwks())
  }, clock)
  const { store, putProvider } = identityRoom()
  await putProvider({ url: 'id.example.com/realm', clientIds: ['app', 'other'] })
  return { asked, time, verify: (token: string) => verifyWebIdentity({ store, keys, clock }, ACCOUNT, token) }
}

test('a token tells who it is, and what trust policies may ask of it', async () => {
  const { verify, asked } = await provider()
  const identity = await verify(await sign(one, { ...goodClaims, aud: ['x', 'app'], secret: 'not for policies' }))
  expect(identity).toEqual({
    providerArn: `arn:aws:iam::${ACCOUNT}:oidc-provider/id.example.com/realm`,
    provider: 'id.example.com/realm',
    subject: 'ann',
    audience: 'app',
    claims: {
      'id.example.com/realm:aud': 'app',
      'id.example.com/realm:sub': 'ann',
      'id.example.com/realm:amr': ['pwd', 'otp'],
    },
  })
  await verify(await sign(rsa, goodClaims))
  expect(asked).toEqual([`${ISSUER}/.well-known/openid-configuration`, 'https://id.example.com/keys'])
})

const refused = (refusal: string) => ({ code: 'IdentityRefused', detail: { refusal } })

test.each([
  ['another audience', { aud: 'strange' }, 'InvalidIdentityToken'],
  ['no audience', { aud: undefined }, 'InvalidIdentityToken'],
  ['another issuer', { iss: 'https://evil.example.com' }, 'InvalidIdentityToken'],
  ['an issuer that is like ours', { iss: `${ISSUER}/` }, 'InvalidIdentityToken'],
  ['an issuer in other case', { iss: 'https://id.example.com/Realm' }, 'InvalidIdentityToken'],
  ['an issuer without TLS', { iss: 'http://id.example.com/realm' }, 'InvalidIdentityToken'],
  ['no subject', { sub: undefined }, 'InvalidIdentityToken'],
  ['no end', { exp: undefined }, 'InvalidIdentityToken'],
  ['no beginning', { iat: undefined }, 'InvalidIdentityToken'],
  ['a beginning that is to come', { nbf: seconds + 60 }, 'InvalidIdentityToken'],
  ['been made in the future', { iat: seconds + 3600 }, 'InvalidIdentityToken'],
  ['ended', { exp: seconds }, 'ExpiredTokenException'],
])('refused: a token that has %s', async (_what, claims, refusal) => {
  const { verify } = await provider()
  const given = Object.fromEntries(
    Object.entries({ ...goodClaims, ...claims }).filter(([, value]) => value !== undefined),
  )
  await expect(verify(await sign(one, given))).rejects.toMatchObject(refused(refusal))
})

test('refused: what nobody signed, what another key signed, and what a public key signed as a secret', async () => {
  const { verify } = await provider()
  const secret = new TextEncoder().encode(JSON.stringify(rsa.jwk))
  const forged = await signingKey('one')
  const good = await sign(one, goodClaims)
  for (const token of [
    'no token',
    new UnsecuredJWT(goodClaims).encode(),
    await new SignJWT(goodClaims).setProtectedHeader({ alg: 'HS256', kid: 'rsa' }).sign(secret),
    await sign(forged, goodClaims),
    `${good.slice(0, -8)}AAAAAAAA`,
  ]) {
    await expect(verify(token)).rejects.toMatchObject(refused('InvalidIdentityToken'))
  }
})

test.each([
  ['names another issuer', { issuer: 'https://id.example.com', jwks_uri: 'https://id.example.com/keys' }],
  ['has its keys at another host', { issuer: ISSUER, jwks_uri: 'https://evil.example.com/keys' }],
  ['has its keys at another port', { issuer: ISSUER, jwks_uri: 'https://id.example.com:8443/keys' }],
  ['has its keys without TLS', { issuer: ISSUER, jwks_uri: 'http://id.example.com/keys' }],
  ['has no keys', { issuer: ISSUER }],
])('a provider that %s is asked nothing more', async (_what, discovery) => {
  const { verify, asked } = await provider({ discovery })
  await expect(verify(await sign(one, goodClaims))).rejects.toMatchObject(refused('InvalidIdentityToken'))
  expect(asked).toEqual([`${ISSUER}/.well-known/openid-configuration`])
})

test('a new key is fetched when it is met, but made-up ones do not make a request each', async () => {
  let keys = [one.jwk]
  const { verify, asked, time } = await provider({ jwks: () => ({ keys }) })
  await verify(await sign(one, goodClaims))
  keys = [one.jwk, two.jwk]
  const token = await sign(two, goodClaims)
  await expect(verify(token)).rejects.toMatchObject(refused('InvalidIdentityToken'))
  expect(asked).toHaveLength(2)
  time.nowMs += 5_000
  expect(await verify(token)).toMatchObject({ subject: 'ann' })
  expect(asked).toHaveLength(4)
})

test('a provider that is away is said to be, and asked again', async () => {
  let isAway = true
  const { verify } = await provider({
    jwks() {
      if (isAway) throw new Error('away')
      return { keys: [one.jwk] }
    },
  })
  const token = await sign(one, goodClaims)
  await expect(verify(token)).rejects.toMatchObject(refused('IDPCommunicationError'))
  isAway = false
  expect(await verify(token)).toMatchObject({ subject: 'ann' })
})
