import { describe, expect, test } from 'vitest'
import type { CorsRule } from '../objects/records.ts'
import { corsHeaders, fits, readQuestion } from './cors-rules.ts'

const rule = (more: Partial<CorsRule> = {}): CorsRule => ({
  allowedHeaders: [],
  allowedMethods: ['GET'],
  allowedOrigins: ['https://a.test'],
  exposeHeaders: [],
  ...more,
})
const ORIGIN = { origin: 'https://a.test' }
const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

describe('origins', () => {
  test.each<[pattern: string, origin: string, fits: boolean]>([
    ['https://a.test', 'https://a.test', true],
    ['https://a.test', 'http://a.test', false],
    ['https://a.test', 'https://a.test:8443', false],
    ['https://a.test', 'https://a.test/', false],
    ['https://a.test', 'https://A.test', false],
    ['https://a.test', 'https://a.test.evil', false],
    ['*', 'https://a.test', true],
    ['*', 'null', true],
    ['null', 'null', true],
    ['https://*.test', 'https://a.test', true],
    ['https://*.test', 'https://a.b.test', true],
    ['https://*.test', 'https://.test', true],
    ['https://*.test', 'https://test', false],
    ['https://*.test', 'https://a.test.evil', false],
    ['*suffix', 'suffix', true],
    ['prefix*', 'prefix.more', true],
    ['prefix*', 'a-prefix', false],
    ['start*end', 'startend', true],
    ['start*end', 'start12end', true],
    ['start*end', '0start12end', false],
    ['aba*aba', 'ababa', false],
    ['aba*aba', 'abaaba', true],
    ['a.test', 'aXtest', false],
    ['', 'https://a.test', false],
  ])('%s and %s', (pattern, origin, expected) => {
    const asked = { origin, method: 'GET', headers: [] }
    expect(fits(rule({ allowedOrigins: ['https://other.test', pattern] }), asked)).toBe(expected)
  })
})

describe('methods', () => {
  test.each<[allowed: readonly string[], method: string, fits: boolean]>([
    [['GET'], 'GET', true],
    [['PUT', 'GET'], 'GET', true],
    [['GET'], 'PUT', false],
    [['GET'], 'HEAD', false],
    [['GET'], 'get', false],
    [['GET'], 'OPTIONS', false],
  ])('%s and %s', (allowedMethods, method, expected) => {
    expect(fits(rule({ allowedMethods }), { ...ORIGIN, method, headers: [] })).toBe(expected)
  })
})

describe('headers', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}`)
  test.each<[allowed: readonly string[], headers: readonly string[], fits: boolean]>([
    [[], [], true],
    [[], ['x-a'], false],
    [['*'], ['x-a', 'content-type'], true],
    [['x-a'], ['x-a'], true],
    [['X-A'], ['x-a'], true],
    [['x-a'], ['x-a', 'x-b'], false],
    [['x-a', 'X-B'], ['x-b', 'x-a'], true],
    [['x-amz-*'], ['x-amz-meta-a', 'x-amz-date'], true],
    [['x-amz-*'], ['content-type'], false],
    [['*'], many(200), true],
    [['*'], many(201), false],
  ])('%s and %s', (allowedHeaders, headers, expected) => {
    expect(fits(rule({ allowedHeaders }), { ...ORIGIN, method: 'GET', headers })).toBe(expected)
  })
})

describe('what is asked', () => {
  test.each<[Parameters<typeof readQuestion>[0], ReturnType<typeof readQuestion>]>([
    [{ method: 'GET', headers: {} }, undefined],
    [{ method: 'GET', headers: { origin: '' } }, undefined],
    [
      { method: 'GET', headers: ORIGIN },
      { ...ORIGIN, method: 'GET', headers: [] },
    ],
    [
      { method: 'OPTIONS', headers: { ...ORIGIN, 'access-control-request-method': 'PUT' } },
      { ...ORIGIN, method: 'PUT', headers: [] },
    ],
    [
      { method: 'GET', headers: { ...ORIGIN, 'access-control-request-headers': 'X-B,x-a , ,' } },
      { ...ORIGIN, method: 'GET', headers: ['x-b', 'x-a'] },
    ],
  ])('%j', (request, question) => {
    expect(readQuestion(request)).toEqual(question)
  })
})

describe('what is told', () => {
  const told = (rules: readonly CorsRule[] | undefined, headers: Record<string, string> = {}) => {
    const found = corsHeaders(rules, { method: 'GET', headers: { ...ORIGIN, ...headers } })
    return found && JSON.parse(JSON.stringify(found))
  }
  const OWN = {
    'access-control-allow-origin': ORIGIN.origin,
    'access-control-allow-methods': 'GET',
    'access-control-allow-credentials': 'true',
    vary: VARY,
  }

  test.each<[string, readonly CorsRule[] | undefined, Record<string, string>, object | undefined]>([
    ['nothing without rules', undefined, {}, undefined],
    ['nothing where no rule fits', [rule({ allowedMethods: ['PUT'] })], {}, undefined],
    ['nothing without an origin', [rule()], { origin: '' }, undefined],
    ['the origin and the methods', [rule()], {}, OWN],
    [
      'all that a rule says',
      [
        rule({
          allowedHeaders: ['*'],
          allowedMethods: ['GET', 'PUT'],
          exposeHeaders: ['ETag', 'x-amz-request-id'],
          maxAgeSeconds: 3000,
        }),
      ],
      { 'access-control-request-headers': 'X-B, x-a' },
      {
        ...OWN,
        'access-control-allow-methods': 'GET, PUT',
        'access-control-allow-headers': 'x-b, x-a',
        'access-control-expose-headers': 'ETag, x-amz-request-id',
        'access-control-max-age': '3000',
      },
    ],
    ['an age of nothing', [rule({ maxAgeSeconds: 0 })], {}, { ...OWN, 'access-control-max-age': '0' }],
    [
      'any origin, without credentials',
      [rule({ allowedOrigins: [ORIGIN.origin, '*'] })],
      {},
      { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET', vary: VARY },
    ],
    ['a pattern is told as the origin that it fits', [rule({ allowedOrigins: ['https://*'] })], {}, OWN],
    [
      'the first rule that fits',
      [rule({ allowedMethods: ['PUT'], maxAgeSeconds: 1 }), rule({ maxAgeSeconds: 2 }), rule({ maxAgeSeconds: 3 })],
      {},
      { ...OWN, 'access-control-max-age': '2' },
    ],
    ['nothing on a request that is called another', [rule()], { 'access-control-request-method': 'PUT' }, undefined],
  ])('%s', (_, rules, headers, expected) => {
    expect(told(rules, headers)).toEqual(expected)
  })
})
