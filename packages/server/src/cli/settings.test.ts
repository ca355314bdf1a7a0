import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveSettings } from './settings.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'settings-'))
})
afterAll(() => rm(dir, { recursive: true }))
const config = async (content: string) => {
  const path = join(dir, 'config.yaml')
  await writeFile(path, content)
  return { config: path }
}

test('flags come before the environment, the environment before the file, the file before what is usual', async () => {
  const flags = await config('region: eu-west-1\nhttp: 127.0.0.1:1\nhttps: 127.0.0.1:2\nworkers: 3\n')
  const env = { STRONGROOM_HTTP: '127.0.0.1:3', STRONGROOM_HTTPS: '127.0.0.1:4' }
  expect(await resolveSettings({ ...flags, https: 'off' }, env)).toMatchObject({
    region: 'eu-west-1',
    http: { host: '127.0.0.1', port: 3 },
    https: undefined,
    workers: 3,
    dataDir: resolve('strongroom-data'),
    secretsDir: resolve('strongroom-data/secrets'),
  })
})

test('addresses of both kinds', async () => {
  const { http, https } = await resolveSettings({ http: '[::1]:0', https: 'localhost:65535' }, {})
  expect([http, https]).toEqual([
    { host: '::1', port: 0 },
    { host: 'localhost', port: 65_535 },
  ])
})

describe('refused', () => {
  test.each([
    [{ http: '9000' }, /HOST:PORT/],
    [{ http: 'localhost:65536' }, /HOST:PORT/],
    [{ http: 'off', https: 'off' }, /nothing to serve/],
    [{ region: 'Frankfurt' }, /region/],
    [{ workers: '0' }, /workers/],
    [{ tlsCert: 'cert.pem' }, /go together/],
    [{ logLevel: 'loud' }, /log-level/],
    [{ config: '/nowhere.yaml' }, /cannot read/],
  ])('%j', async (flags, message) => {
    await expect(resolveSettings(flags, {})).rejects.toThrow(message)
  })

  test.each([
    ['regoin: eu-west-1', /regoin/],
    ['accounts: [{ id: 123 }]', /accounts.0.id/],
    ['accounts: [{ id: "12345" }]', /12 digits/],
    ['kms: { keys: [{ account: "000000000000", keyId: x, alias: nope }] }', /alias/],
    ['kms: { regions: [Ireland] }', /kms.regions.0: a region has a name such as eu-west-1/],
    ['blockedEncryptionTypes: [SSE-S3]', /blockedEncryptionTypes/],
    ['rootKey: { fiel: x }', /fiel/],
    ['rootKey: { file: x, passphraseFile: y }', /rootKey: names more than one place/],
    ['rootKey: { pkcs11: { module: x } }', /rootKey.pkcs11.token/],
    ['rootKey: { variable: "a b" }', /name of a variable/],
    ['metrics: { token: a, tokenFile: b }', /metrics: takes one of token, tokenFile and open/],
    ['metrics: { token: a, open: true }', /metrics: takes one of/],
    ['metrics: { token: "" }', /metrics.token/],
    ['otlp: {}', /otlp.endpoint/],
    ['otlp: { endpoint: "collector:4318" }', /otlp.endpoint: an endpoint is a URL such as/],
    ['otlp: { endpoint: "http://c:1", sampleRatio: 2 }', /otlp.sampleRatio/],
    ['[', /cannot read/],
  ])('the file %j', async (content, message) => {
    await expect(resolveSettings(await config(content), {})).rejects.toThrow(message)
  })
})
