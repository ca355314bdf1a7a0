/** Sealed streams, opened over node:crypto and over Web Crypto: both say the same, and only what was sealed comes out. */
import { deepStrictEqual, ok } from 'node:assert'
import { DataKey, SealError } from '@strongroom/crypto'
import { openRange, sealBytes } from '@strongroom/crypto/node'
import { openRange as openRangeOnWeb } from '@strongroom/crypto/web'
import { binary, errorsOf, reading, readingOf, type Target } from '../target.ts'
import { counted, isCounted } from './counted.ts'

const KEY = new DataKey(new Uint8Array(32).fill(9))
const CONTEXT = { streamId: new Uint8Array(16).fill(3), partNumber: 1 }
const SIZES = [0, 1, 15, 16, 17, 32, 33, 100]

export const sealed: Target = {
  name: 'sealed',
  dictionary: binary(
    'SRSF',
    'SRSF\x01\x01\x04\0',
    'SRSF\x01\x01\x18\0',
    '\0'.repeat(16),
    '\0'.repeat(32),
    '\xff\xff\xff\xff',
  ),
  seeds: () => SIZES.map((size) => new Uint8Array(sealBytes(KEY, CONTEXT, counted(size), { segmentBytes: 16 }))),
  async check(input) {
    const refusals = errorsOf(SealError)
    const opened = reading(() => openRange(KEY, CONTEXT, input), refusals)
    const openedOnWeb = await readingOf(() => openRangeOnWeb(KEY, CONTEXT, input), refusals)
    if ('refused' in opened || 'refused' in openedOnWeb) {
      deepStrictEqual(openedOnWeb, opened, 'the providers differ')
      return
    }
    const plaintext = opened.value
    ok(Buffer.from(openedOnWeb.value).equals(plaintext), 'the providers differ')
    ok(isCounted(plaintext) && SIZES.includes(plaintext.length), 'opens what nobody has sealed')
    const [start, end] = [Math.floor(plaintext.length / 3), Math.ceil(plaintext.length / 2)]
    ok(
      Buffer.from(openRange(KEY, CONTEXT, input, start, end)).equals(plaintext.subarray(start, end)),
      'a range differs',
    )
  },
}
