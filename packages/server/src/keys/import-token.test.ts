/** Import tokens: what opens, for which key, until when. */
import { expect, test } from 'vitest'
import { StoreKey } from '../root-key/store-key.ts'
import { ImportTokens } from './import-token.ts'

const NOW_MS = 1_700_000_000_000
const VALID_TO_MS = NOW_MS + 1000
const arn = 'arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001'
const privateKey = new Uint8Array(2400).map((_, index) => index)
const grant = { keyArn: arn, algorithm: 'RSAES_OAEP_SHA_256', privateKey, validToMs: VALID_TO_MS } as const
const tokens = new ImportTokens(StoreKey.of(new Uint8Array(32).fill(1)).derive('import tokens'))
const token = tokens.seal(grant)

test('all that was put in comes out, and fits in what a request may carry', () => {
  expect({ ...tokens.open(token, arn, NOW_MS), privateKey: undefined }).toEqual({ ...grant, privateKey: undefined })
  expect(Buffer.compare(tokens.open(token, arn, NOW_MS).privateKey, privateKey)).toBe(0)
  expect(token.length).toBeLessThanOrEqual(6144)
  expect(Buffer.from(token).includes(Buffer.from(privateKey.subarray(0, 16)))).toBe(false)
})

test('a token ends at its instant', () => {
  expect(() => tokens.open(token, arn, VALID_TO_MS - 1)).not.toThrow()
  expect(() => tokens.open(token, arn, VALID_TO_MS)).toThrow(expect.objectContaining({ code: 'KmsImportTokenExpired' }))
})

const flipped = Uint8Array.from(token)
flipped[token.length - 20]! ^= 1
const otherLayout = Uint8Array.from(token)
otherLayout[0] = 2
test.each<[string, Uint8Array, string]>([
  ['of another key', token, arn.replace(/1$/, '2')],
  ['of another region', token, arn.replace('us-east-1', 'eu-west-1')],
  ['changed in one bit', flipped, arn],
  ['of another layout', otherLayout, arn],
  ['cut', token.subarray(0, -1), arn],
  ['of one byte', token.subarray(0, 1), arn],
  ['of none', new Uint8Array(0), arn],
  [
    'under another store key',
    new ImportTokens(StoreKey.of(new Uint8Array(32).fill(2)).derive('import tokens')).seal(grant),
    arn,
  ],
])('a token %s is refused', (_, bytes, keyArn) => {
  expect(() => tokens.open(bytes, keyArn, NOW_MS)).toThrow(expect.objectContaining({ code: 'KmsImportTokenInvalid' }))
})
