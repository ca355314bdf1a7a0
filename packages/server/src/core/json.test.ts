import { describe, expect, it } from 'vitest'
import { parseJson } from './json.ts'

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('JSON of strangers', () => {
  it.each([['{"a":[1,{"b":null}]}'], ['[]'], ['"text"'], [nested(64)]])('is parsed as it stands: %s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it.each([
    ['no JSON', '{'],
    ['65 levels', nested(66)],
    ['ten thousand', `{"a":${nested(10_000)}}`],
  ])('is refused: %s', (_what, text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  })
})
