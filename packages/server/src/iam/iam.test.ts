/** The pure parts of the IAM door: pages, context keys, encoded documents, and that every operation has a row. */
import { expect, test } from 'vitest'
import { Input } from '../protocols/input.ts'
import { contextKeysOf } from './context-keys.ts'
import { IAM_OPERATIONS } from './operations.ts'
import { page } from './page.ts'
import { encodeDocument } from './shapes.ts'

const input = (members: Record<string, unknown>) => new Input(members, 'ValidationError', true)

test('pages tell each item once, also when the list changes between them', () => {
  const same = (item: string) => item
  const first = page(input({ MaxItems: '2' }), ['c', 'a', 'b', 'd'], same)
  expect(first).toMatchObject({ items: ['a', 'b'], truncation: { IsTruncated: true } })
  const { Marker } = first.truncation
  // What was told last is gone, and something before it is new.
  expect(page(input({ Marker }), ['aa', 'c', 'a', 'd'], same)).toEqual({
    items: ['c', 'd'],
    truncation: { IsTruncated: false, Marker: undefined },
  })
  expect(page(input({ MaxItems: '2' }), ['a', 'b'], same).truncation.IsTruncated).toBe(false)
  expect(() => page(input({ Marker: '***' }), [], same)).toThrow('Invalid Marker.')
  expect(() => page(input({ MaxItems: '0' }), [], same)).toThrow('greater than or equal to 1')
})

test('context keys of conditions and of variables, each once', () => {
  const document = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: '*', Resource: `arn:aws:s3:::b/\${aws:username}/\${*}`, Condition: {} },
      {
        Effect: 'Deny',
        Action: '*',
        Resource: '*',
        Condition: {
          Bool: { 'aws:SecureTransport': 'false' },
          StringEquals: { 'aws:securetransport': 'x', 's3:prefix': `\${aws:PrincipalTag/team, "none"}` },
        },
      },
    ],
  })
  expect(contextKeysOf(document)).toEqual(['aws:username', 'aws:SecureTransport', 's3:prefix', 'aws:PrincipalTag/team'])
})

test('documents are percent-encoded to the letter', () => {
  expect(encodeDocument(`{"a": "!'()*~ü"}`)).toBe('%7B%22a%22%3A%20%22%21%27%28%29%2A~%C3%BC%22%7D')
})

test('what is not supported is refused by name, and nothing is both', () => {
  const works = Object.entries(IAM_OPERATIONS).filter(([, row]) => row.run !== undefined)
  expect(works.map(([name]) => name)).toEqual(expect.arrayContaining(['CreateUser', 'UntagOpenIDConnectProvider']))
  // AWS's model of 2010-05-08 as of 2026.
  expect(Object.keys(IAM_OPERATIONS)).toHaveLength(176)
  for (const name of ['CreateLoginProfile', 'CreateInstanceProfile']) expect(IAM_OPERATIONS[name]?.run).toBeUndefined()
})
