import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aesKeyFile, isAesKeyFile, parseAesKeyFile } from './aes-key-file.ts'

const aesKey = Uint8Array.from({ length: 32 }, (_, i) => i)
const text = aesKeyFile(aesKey)

test('the documented example is what is written, and read', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/formats/aes-key-file.md'), 'utf8')
  expect(page).toContain(`\`\`\`\n${text}\`\`\``)
  expect(Uint8Array.from(parseAesKeyFile(text))).toEqual(aesKey)
})

test('white space around it and other line ends do no harm', () => {
  for (const form of [`\n${text}\n\n`, text.replaceAll('\n', '\r\n'), text.trimEnd()])
    expect(Uint8Array.from(parseAesKeyFile(form))).toEqual(aesKey)
})

test.each([
  ['another id', text.replace(/Id: .{4}/, 'Id: 0000')],
  ['another letter in the key', text.replace('AAEC', 'AAED')],
  ['a shorter key', text.replace('AAEC', '')],
  ['no id', text.replace(/Id: .*\n/, '')],
  ['something behind it', `${text}more`],
  ['no end', text.slice(0, -20)],
])('%s is refused, and nothing of the key is told', (_, damaged) => {
  expect(isAesKeyFile(damaged)).toBe(true)
  expect(() => parseAesKeyFile(damaged)).toThrow(/^a damaged STRONGROOM AES KEY: its id does not fit$/)
})
