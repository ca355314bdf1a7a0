import fc from 'fast-check'
import { expect, test } from 'vitest'
import { document, element } from '../protocols/xml-writer.ts'
import { childText, readXml } from './xml-reader.ts'

const read = (text: string) => readXml(Buffer.from(text))

test('any text that XML can hold comes back as it was written', () => {
  // What XML 1.0 cannot hold at all is written as S3 writes it, and no reader takes it back.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold
  const possible = (text: string) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\ud800-\udfff]/.test(text)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }).filter(possible), (text) => {
      expect(childText(read(document('A', [element('B', text)])), 'B')).toBe(text)
    }),
  )
  expect(childText(read(document('A', [element('B', '\r\n\u{1F600}<&>"\'')])), 'B')).toBe('\r\n\u{1F600}<&>"\'')
})

test.each([
  ['nothing', ''],
  ['no XML', 'hello'],
  ['an open element', '<a><b></a>'],
  ['two roots', '<a/><b/>'],
  ['a document type', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
  ['an unknown entity', '<a>&e;</a>'],
  ['depth', '<a>'.repeat(40) + '</a>'.repeat(40)],
])('%s: MalformedXML', (_name, text) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'MalformedXML', status: 400 }))
})

test('bytes that are no UTF-8, and a child that must be alone', () => {
  expect(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toThrow(
    expect.objectContaining({ code: 'MalformedXML' }),
  )
  expect(() => childText(read('<a><b>1</b><b>2</b></a>'), 'b')).toThrow(
    expect.objectContaining({ code: 'MalformedXML' }),
  )
})
