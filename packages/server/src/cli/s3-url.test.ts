import { expect, test } from 'vitest'
import { UsageError } from './exit.ts'
import { parseObjectUrl, parseS3Url, s3Url } from './s3-url.ts'

test.each([
  ['s3://b/k', 'b', 'k'],
  ['s3://b/a/b//c/', 'b', 'a/b//c/'],
  ['s3://b/a%20b ü?x', 'b', 'a%20b ü?x'],
  ['s3://b/two\nlines', 'b', 'two\nlines'],
  ['s3://b', 'b', ''],
  ['s3://b/', 'b', ''],
])('%j', (text, bucket, key) => {
  expect(parseS3Url(text)).toEqual({ bucket, key })
  if (key !== '') expect(s3Url(parseObjectUrl(text))).toBe(text)
})

test.each(['b/k', 's3:/b/k', 's3:///k', 's3://', 'https://b/k', ''])('%j is none', (text) => {
  expect(() => parseS3Url(text)).toThrow(UsageError)
})

test.each(['s3://b', 's3://b/'])('%j names no object', (text) => {
  expect(() => parseObjectUrl(text)).toThrow(UsageError)
})
