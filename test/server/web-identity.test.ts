/** Roles assumed with the token of an OpenID Connect provider that really serves its keys over TLS. */
import { rm } from 'node:fs/promises'
import { request as open } from 'node:https'
import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteOpenIDConnectProviderCommand,
  type IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  GetCallerIdentityCommand,
} from '@aws-sdk/client-sts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OidcProvider, startOidcProvider } from '../support/oidc-provider.ts'
import { failure, iamClient, s3Client, stsClient } from '../support/sdk.ts'
import { startServer, type TestServer } from '../support/server.ts'

const ACCOUNT = '000000000000'
const RoleArn = `arn:aws:iam::${ACCOUNT}:role/web`
let provider: OidcProvider
let server: TestServer
let iam: IAMClient
let providerArn: string
const list = { ClientIDList: ['app', 'other'], ThumbprintList: ['0'.repeat(40)] }
beforeAll(async () => {
  provider = await startOidcProvider()
  server = await startServer({ config: { oidc: { caFile: provider.caFile } } })
  iam = iamClient(server)
  const made = await iam.send(new CreateOpenIDConnectProviderCommand({ Url: provider.url, ...list }))
  providerArn = made.OpenIDConnectProviderArn!
  const name = provider.url.slice('https://'.length)
  const trust = {
    Effect: 'Allow',
    Principal: { Federated: providerArn },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: { StringEquals: { [`${name}:aud`]: 'app' }, StringLike: { [`${name}:sub`]: 'a*' } },
  }
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] })
  await iam.send(new CreateRoleCommand({ RoleName: 'web', AssumeRolePolicyDocument }))
  const may = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [may] })
  await iam.send(new PutRolePolicyCommand({ RoleName: 'web', PolicyName: 'own', PolicyDocument }))
  const root = s3Client(server)
  await root.send(new CreateBucketCommand({ Bucket: 'web' }))
  await root.send(new PutObjectCommand({ Bucket: 'web', Key: 'k', Body: 'x' }))
})
afterAll(async () => {
  expect(server.log()).not.toMatch(/was lost|internal-error/)
  await server.remove()
  await provider.close()
  await rm(provider.caFile, { force: true })
})

/** As the SDK sends it: without a signature. */
const assume = async (token: string, more: Partial<AssumeRoleWithWebIdentityCommandInput> = {}) =>
  stsClient(server).send(
    new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'web', WebIdentityToken: token, ...more }),
  )

test('a token of the provider gives the role that trusts it', async () => {
  const { Credentials, ...reply } = await assume(await provider.sign())
  expect(reply).toMatchObject({ SubjectFromWebIdentityToken: 'ann', Audience: 'app', Provider: providerArn })
  const credentials = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  }
  const { Arn } = await stsClient(server, { credentials }).send(new GetCallerIdentityCommand({}))
  expect(Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/web/web`)
  const s3 = s3Client(server, { credentials })
  await s3.send(new GetObjectCommand({ Bucket: 'web', Key: 'k' }))
  expect(await failure(s3.send(new PutObjectCommand({ Bucket: 'web', Key: 'k', Body: 'y' })))).toMatchObject({
    code: 'AccessDenied',
  })
})

test('without an SDK: a form, and a query, that nobody has signed', async () => {
  const members = {
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn,
    RoleSessionName: 'web',
    WebIdentityToken: await provider.sign(),
  }
  const query = new URLSearchParams(members).toString()
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const request of [
    { method: 'POST', path: '/', headers: form, body: query },
    { method: 'GET', path: `/?${query}`, headers: {}, body: '' },
  ]) {
    const reply = await ask(request)
    expect(reply.status).toBe(200)
    expect(reply.body).toContain(`<Provider>${providerArn}</Provider>`)
  }
  const other = new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }).toString()
  const unsigned = await ask({ method: 'POST', path: '/', headers: form, body: other })
  expect(unsigned).toMatchObject({ status: 403, body: expect.stringContaining('MissingAuthenticationToken') })
})

test.each([
  ['another subject', { sub: 'bob' }, 'AccessDenied', 403, 'Not authorized to perform sts:AssumeRoleWithWebIdentity'],
  ['an audience that the role does not trust', { aud: 'other' }, 'AccessDenied', 403, undefined],
  [
    'an audience that is not the provider’s',
    { aud: 'x' },
    'InvalidIdentityTokenException',
    400,
    'Incorrect token audience',
  ],
  ['an issuer that nobody knows', { iss: 'https://localhost:1' }, 'InvalidIdentityTokenException', 400, undefined],
  ['an end that has passed', { exp: 1_000_000_000 }, 'ExpiredTokenException', 400, undefined],
])('refused: %s', async (_what, claims, code, status, message) => {
  const refused = await failure(assume(await provider.sign(claims)))
  expect(refused).toMatchObject({ code, status, ...(message && { message }) })
})

test('refused: what is no token, what was changed, and a role that is not there', async () => {
  expect(await failure(assume('no token at all'))).toMatchObject({ code: 'InvalidIdentityTokenException' })
  const token = await provider.sign()
  const [head, , signature] = token.split('.')
  const [, payload] = (await provider.sign({ sub: 'abe' })).split('.')
  expect(await failure(assume(`${head}.${payload}.${signature}`))).toMatchObject({
    code: 'InvalidIdentityTokenException',
  })
  expect(await failure(assume(token, { RoleArn: `${RoleArn}-absent` }))).toMatchObject({ code: 'AccessDenied' })
})

test('a provider that is removed vouches for nobody, on every worker', async () => {
  await iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: providerArn }))
  const token = await provider.sign()
  const refused = await Promise.all(Array.from({ length: 8 }, () => failure(assume(token))))
  for (const one of refused) {
    expect(one).toMatchObject({
      code: 'InvalidIdentityTokenException',
      message: `No OpenIDConnect provider found in your account for ${provider.url}`,
    })
  }
})

async function ask(request: { method: string; path: string; headers: Record<string, string>; body: string }) {
  const { method, path, headers, body } = request
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const asked = open(new URL(path, server.https), { method, headers, ca: server.caPem, agent: false }, (reply) => {
      const pieces: Buffer[] = []
      reply.on('data', (piece: Buffer) => pieces.push(piece))
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body: Buffer.concat(pieces).toString() }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
