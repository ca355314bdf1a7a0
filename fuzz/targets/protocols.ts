/** Requests of the services that are not S3: JSON, CBOR and forms, and the members that operations read from them. */
import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import type { Exchange } from '../../packages/server/src/core/exchange.ts'
import { awsJson } from '../../packages/server/src/protocols/aws-json.ts'
import { awsQuery } from '../../packages/server/src/protocols/aws-query.ts'
import { readCbor, writeCbor } from '../../packages/server/src/protocols/cbor.ts'
import type { Input } from '../../packages/server/src/protocols/input.ts'
import { rpcV2Cbor } from '../../packages/server/src/protocols/rpc-v2-cbor.ts'
import type { Protocol } from '../../packages/server/src/protocols/service-door.ts'
import { ServiceError } from '../../packages/server/src/protocols/service-error.ts'
import { binary, errorsOf, INHERITED, JSON_MARKS, reading, type Target } from '../target.ts'

const refusals = errorsOf(ServiceError)
const NAMES = ['A', 'Tags', 'KeyId']

/** What operations do with members: each is asked for as everything. */
const READS: readonly ((input: Input, name: string) => unknown)[] = [
  (input, name) => input.optionalText(name, 10),
  (input, name) => input.optionalMatching(name, '[a-z]+', 64),
  (input, name) => input.optionalNumber(name, 0, 100),
  (input, name) => input.optionalDecimal(name, 0, 100),
  (input, name) => input.anyDouble(name),
  (input, name) => input.anyDoubles(name),
  (input, name) => input.optionalTimestamp(name),
  (input, name) => input.blob(name, 100),
  (input, name) => input.context(name),
  (input, name) => input.textLists(name),
  (input, name) => input.flagOr(name, false),
  (input, name) => input.choice(name, ['a', 'b']),
  (input, name) => input.texts(name),
  (input, name) => input.structures(name),
  (input, name) => input.structure(name),
]

function readMembers(protocol: Protocol, request: object, body: Uint8Array): void {
  const read = reading(() => protocol.read({ request } as unknown as Exchange, body), refusals)
  if ('refused' in read) return
  const { input } = read.value
  for (const name of NAMES) for (const ask of READS) reading(() => ask(input, name), refusals)
  reading(() => input.tags(), refusals)
  JSON.stringify(input.audited())
}

export const awsJsonTarget: Target = {
  name: 'aws-json',
  dictionary: [
    ...JSON_MARKS,
    ...['""', 'null', 'true', '0', '-1', '1e400', '"A"', '"Tags"', '"KeyId"', '"TagKey"'],
    ...['{"toString":1}', '{"":1}', '"NaN"', '\\ud800', ...INHERITED.map((name) => `"${name}"`)],
  ],
  check: (input) => readMembers(awsJson('X.'), { headers: { 'x-amz-target': 'X.Op' } }, input),
}

export const query: Target = {
  name: 'query',
  dictionary: [
    ...[
      'Action=',
      'Version=',
      '&',
      '=',
      '.',
      '.member.',
      '.member.1',
      '.entry.1.key',
      'A',
      'Tags',
      'KeyId',
      '%',
      '%ff',
      '+',
    ],
    ...[
      'Tags.member.1.TagKey=',
      '=1',
      '=NaN',
      '=2026-01-01',
      '=true',
      ...INHERITED,
      ...INHERITED.map((name) => `.${name}=1`),
    ],
  ],
  check: (input) => readMembers(awsQuery('urn:x'), { method: 'POST', url: '/' }, input),
}

const members = fc.dictionary(
  fc.oneof(fc.constantFrom(...NAMES, 'TagKey', ''), fc.string()),
  fc.jsonValue({ maxDepth: 4 }).filter((value) => !Object.is(value, -0)),
)

export const cbor: Target = {
  name: 'cbor',
  dictionary: binary(
    '\xa0',
    '\xbf',
    '\xff',
    '\x80',
    '\x9f',
    '\xa1aA',
    '\xc1',
    '\xc1\xfb',
    '\xf6',
    '\xf7',
    '\xf5',
    '\x40',
    '\x5f',
    '\x7f',
    '\x1b\xff\xff\xff\xff\xff\xff\xff\xff',
    '\x9b\0\0\0\0\xff\xff\xff\xff',
    '\x7a\x7f\xff\xff\xff',
    '\xf9\x7e\0',
    '\x81',
    '\xa1iconstructor',
    '\xa1i__proto__',
    '\xfb\x7f\xf0\0\0\0\0\0\0',
    '\xc1\x1b\0\x20\0\0\0\0\0\0',
    'aA',
    'dTags',
  ),
  made: members.map((value) => new Uint8Array(writeCbor(value))),
  check(input) {
    readMembers(rpcV2Cbor({ service: 'X', doubles: new Set(['A']) }), { url: '/service/X/operation/Op' }, input)
    // Whatever it throws, the protocol answers in one way.
    const read = reading(() => readCbor(input), errorsOf(Error))
    if ('value' in read)
      deepStrictEqual(readCbor(new Uint8Array(writeCbor(read.value))), read.value, 'another value when written again')
  },
}
