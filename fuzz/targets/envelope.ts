/** What a store says of an encrypted object: user metadata, an instruction file, and their texts. */
import { deepStrictEqual, ok } from 'node:assert'
import { decodeBase64, encodeBase64 } from '../../packages/client/src/base64.ts'
import type { Envelope } from '../../packages/client/src/envelope/envelope.ts'
import { FIELD, INSTRUCTION_FILE_MARKER } from '../../packages/client/src/envelope/envelope.ts'
import { asciiJson, metadataText } from '../../packages/client/src/envelope/metadata-text.ts'
import { hasEnvelope, readEnvelope } from '../../packages/client/src/envelope/read-envelope.ts'
import { writeEnvelope } from '../../packages/client/src/envelope/write-envelope.ts'
import { EncryptionError } from '../../packages/client/src/errors.ts'
import { WRAP_ALGORITHMS } from '../../packages/client/src/suites.ts'
import { errorsOf, INHERITED, reading, readingOf, type Target } from '../target.ts'

const refusals = errorsOf(EncryptionError)
const CONTENT = new Set(['115', 'AES/GCM/NoPadding', 'AES/CBC/PKCS5Padding', 'strongroom/sealed/1'])

/** Lines `name: value`; after an empty line the instruction file. */
export const envelope: Target = {
  name: 'envelope',
  dictionary: [
    ...[
      '\n',
      '\n\n',
      ': ',
      '{',
      '}',
      '"',
      ',',
      '""',
      'AAAA',
      '=',
      '==',
      '115',
      '128',
      '1',
      '[]',
      '{}',
      'null',
      '\u00e9',
    ],
    ...[...Object.values(FIELD), INSTRUCTION_FILE_MARKER, ...INHERITED].flatMap((name) => [
      `\n${name}: `,
      `"${name}":`,
    ]),
    ...Object.entries(WRAP_ALGORITHMS).flatMap(([name, { code }]) => [name, code ?? name]),
    ...CONTENT,
    ...INHERITED,
    ...['=?UTF-8?B?', '=?UTF-8?Q?', '?=', '=?utf-8?b?e30=?=', '=?utf-8?q?=7B=7D?= ', '\\ud800'],
  ],
  async check(input) {
    const { metadata, instructionFile } = parts(Buffer.from(input).toString('utf8'))
    reading(() => hasEnvelope(metadata), refusals)
    const read = await readingOf(() => readEnvelope(metadata, async () => instructionFile), refusals)
    if ('refused' in read) return
    const { envelope: found, location } = read.value
    ok(CONTENT.has(found.contentAlgorithm), `${String(found.contentAlgorithm)} is no content algorithm`)
    for (const { algorithm } of found.wrapped) ok(Object.hasOwn(WRAP_ALGORITHMS, algorithm))
    // What is only read cannot be written.
    if (found.wrapped.some(({ algorithm }) => found.format !== 'V2' && !WRAP_ALGORITHMS[algorithm].code)) return
    if (found.format === 'V1') return
    const written = writeEnvelope(found, location)
    const again = await readEnvelope(written.metadata, async () => written.instructionFile)
    deepStrictEqual(comparable(again.envelope), comparable(found), 'another envelope when it is written again')
  },
}

/** Own members alone: what is made of JSON has prototypes like any other. */
const comparable = (found: Envelope): unknown => JSON.parse(JSON.stringify(found))

function parts(text: string): { metadata: Record<string, string>; instructionFile: string | undefined } {
  const end = text.indexOf('\n\n')
  const metadata: Record<string, string> = {}
  for (const line of (end < 0 ? text : text.slice(0, end)).split('\n')) {
    const at = line.indexOf(': ')
    if (at > 0) metadata[line.slice(0, at)] = line.slice(at + 2)
  }
  return { metadata, instructionFile: end < 0 ? undefined : text.slice(end + 2) }
}

export const metadataTextTarget: Target = {
  name: 'metadata-text',
  dictionary: [
    '=?UTF-8?B?',
    '=?utf-8?Q?',
    '?=',
    '?',
    '_',
    '=C3=A9',
    'w6k=',
    ' ',
    '\t',
    '\u00c3\u00a9',
    '\u00ff',
    '\ud83d',
    '\\u00e9',
  ],
  check(input) {
    const text = Buffer.from(input).toString('utf8')
    const read = metadataText(text)
    ok(read.length <= text.length, 'longer than it was')
    if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) deepStrictEqual(read, text, 'unhurt text is changed')
    // What is written in ASCII comes back.
    deepStrictEqual(JSON.parse(metadataText(asciiJson({ a: [...text] }))), { a: [...text] })
    const decoded = reading(() => decodeBase64(text), refusals)
    if ('value' in decoded) deepStrictEqual(encodeBase64(decoded.value), text, 'two texts of the same bytes')
  },
}
