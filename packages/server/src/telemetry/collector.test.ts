import { expect, test } from 'vitest'
import { exporterOptions, readHeaders } from './collector.ts'

test('headers of a file', () => {
  expect(readHeaders('# of the vendor\nX-Api-Key:  a:b c \n\nauthorization: Bearer x\n')).toEqual({
    'x-api-key': 'a:b c',
    authorization: 'Bearer x',
  })
  expect(readHeaders('')).toEqual({})
})

test.each(['no colon', ': value', 'a name: value'])('%j is no header, and is not told', (line) => {
  expect(() => readHeaders(`a: b\n${line}`)).toThrow(new RangeError('line 2 is not of the form Name: value'))
})

test.each(['http://collector:4318', 'http://collector:4318/'])('the signals of %s', (endpoint) => {
  expect(exporterOptions({ endpoint, headers: { a: 'b' } }, 'traces')).toEqual({
    url: 'http://collector:4318/v1/traces',
    headers: { a: 'b' },
  })
})
