import { expect, test } from 'vitest'
import type { MetricsConfiguration } from './records.ts'
import { filterByTags, matchingFilters } from './request-metrics.ts'
import type { Tags } from './types.ts'

const ALL: MetricsConfiguration[] = [
  { id: 'everything' },
  { id: 'prefix', filter: { prefix: 'logs/', tags: [] } },
  { id: 'tag', filter: { tags: [['team', 'red']] } },
  {
    id: 'both',
    filter: {
      prefix: 'logs/',
      tags: [
        ['team', 'red'],
        ['class', 'x'],
      ],
    },
  },
]

test.each<[string, string | undefined, Tags | undefined, string[]]>([
  ['the bucket itself', undefined, undefined, ['everything']],
  ['another place', 'photos/logs/', [], ['everything']],
  ['the place', 'logs/a', [], ['everything', 'prefix']],
  ['the place itself', 'logs/', [], ['everything', 'prefix']],
  ['a place in other letters', 'Logs/a', [], ['everything']],
  ['the tag', 'a', [['team', 'red']], ['everything', 'tag']],
  ['the tag with another value', 'a', [['team', 'Red']], ['everything']],
  ['place and one tag', 'logs/a', [['team', 'red']], ['everything', 'prefix', 'tag']],
  [
    'place and all tags',
    'logs/a',
    [
      ['class', 'x'],
      ['team', 'red'],
      ['more', ''],
    ],
    ['everything', 'prefix', 'tag', 'both'],
  ],
  ['tags that are not known', 'logs/a', undefined, ['everything', 'prefix']],
])('%s', (_, objectKey, tags, matching) => {
  expect(matchingFilters(ALL, { objectKey, tags })).toEqual(matching)
})

test('nothing is configured, nothing fits', () => {
  expect(matchingFilters(undefined, { objectKey: 'k', tags: [] })).toEqual([])
})

test('tags are looked at where a filter is by tags', () => {
  expect(ALL.map((one) => filterByTags([one]))).toEqual([false, false, true, true])
  expect(filterByTags(undefined)).toBe(false)
})
