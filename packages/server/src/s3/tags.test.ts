import { describe, expect, test } from 'vitest'
import { BUCKET_TAGS, OBJECT_TAGS, readTagging, taggingDocument, tagsOfHeader } from './tags.ts'

const xml = (tags: readonly (readonly [string, string])[]) => Buffer.from(taggingDocument(tags))
const many = (count: number) => Array.from({ length: count }, (_, i) => [`k${i}`, `v${i}`] as const)
const refused = (code: string, message: string, fields: object = {}) =>
  expect.objectContaining({ code, message, fields: expect.objectContaining(fields) })
const KEY = 'The TagKey you have provided is invalid'
const VALUE = 'The TagValue you have provided is invalid'

describe('a tagging document', () => {
  test.each([
    ['none', []],
    ['ten of the longest', many(10).map(([key]) => [key.padEnd(128, 'x'), 'y'.repeat(256)] as const)],
    ['every sign', [['a +-=._:/@', 'é 1']] as const],
    ['an empty value', [['k', '']] as const],
    ['a name of every object', [['__proto__', 'v']] as const],
    [
      'keys that differ in case',
      [
        ['k', '1'],
        ['K', '2'],
      ] as const,
    ],
  ])('%s', (_name, tags) => {
    expect(readTagging(xml(tags), OBJECT_TAGS)).toEqual(tags)
  })

  test.each([
    ['eleven', many(11), refused('BadRequest', 'Object tags cannot be greater than 10')],
    ['an empty key', [['', 'v']], refused('InvalidTag', KEY, { TagKey: '' })],
    ['a key of 129', [['k'.repeat(129), 'v']], refused('InvalidTag', KEY)],
    ['a value of 257', [['k', 'v'.repeat(257)]], refused('InvalidTag', VALUE, { TagKey: 'k' })],
    ['a sign that is none of the few', [['a,b', 'v']], refused('InvalidTag', KEY, { TagKey: 'a,b' })],
    ['a tab', [['k', 'a\tb']], refused('InvalidTag', VALUE)],
    ['an emoji', [['😀', 'v']], refused('InvalidTag', KEY)],
    [
      'one key twice',
      [
        ['a', '1'],
        ['a', '2'],
      ],
      refused('InvalidTag', 'Cannot provide multiple Tags with the same key'),
    ],
    ['a reserved key', [['aws:x', '']], refused('InvalidTag', 'Your TagKey cannot be prefixed with aws:')],
    ['a reserved key in capitals', [['AWS:x', '']], refused('InvalidTag', 'Your TagKey cannot be prefixed with aws:')],
  ] as [string, [string, string][], unknown][])('%s is refused', (_name, tags, error) => {
    expect(() => readTagging(xml(tags), OBJECT_TAGS)).toThrow(error as Error)
  })

  test.each([
    '<Other><TagSet/></Other>',
    '<Tagging/>',
    '<Tagging><TagSet/><TagSet/></Tagging>',
    '<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>',
    '<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>',
    '<Tagging><TagSet><Tag><Key>a</Key><Key>b</Key><Value>v</Value></Tag></TagSet></Tagging>',
    'not xml',
  ])('%s is malformed', (text) => {
    expect(() => readTagging(Buffer.from(text), OBJECT_TAGS)).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
  })

  test('a bucket has up to fifty, and its own word for reserved keys', () => {
    expect(readTagging(xml(many(50)), BUCKET_TAGS)).toHaveLength(50)
    expect(() => readTagging(xml(many(51)), BUCKET_TAGS)).toThrow(refused('BadRequest', BUCKET_TAGS.tooMany))
    expect(() => readTagging(xml([['aws:x', '']]), BUCKET_TAGS)).toThrow(
      refused('InvalidTag', 'System tags cannot be added/updated by requester'),
    )
  })
})

describe('the tagging header', () => {
  test.each([
    [undefined, []],
    ['', []],
    [
      'a=1&b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['a', [['a', '']]],
    [
      'a=&b',
      [
        ['a', ''],
        ['b', ''],
      ],
    ],
    ['a+b=x%2Fy%3D', [['a b', 'x/y=']]],
    ['%C3%A9=%C3%A9', [['é', 'é']]],
  ] as [string | undefined, [string, string][]][])('%s', (header, tags) => {
    expect(tagsOfHeader({ 'x-amz-tagging': header })).toEqual(tags)
  })

  test.each(['a=1&a=2', 'a=b=c', 'TagSet=[{Key=a,Value=b}]', 'a=%zz', 'a=%ff'])('%s is no query of tags', (header) => {
    expect(() => tagsOfHeader({ 'x-amz-tagging': header })).toThrow(
      refused(
        'InvalidArgument',
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        { ArgumentName: 'x-amz-tagging', ArgumentValue: header },
      ),
    )
  })

  test('is held to the rules of tag sets', () => {
    expect(() => tagsOfHeader({ 'x-amz-tagging': 'a%2Cb=1' })).toThrow(refused('InvalidTag', KEY))
    expect(() =>
      tagsOfHeader({
        'x-amz-tagging': many(11)
          .map((tag) => tag.join('='))
          .join('&'),
      }),
    ).toThrow(refused('BadRequest', 'Object tags cannot be greater than 10'))
  })
})
