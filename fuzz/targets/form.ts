/** Forms of browsers: the policy document with the fields held against it, and the form as it streams in. */
import { deepStrictEqual, ok } from 'node:assert'
import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import type { Exchange } from '../../packages/server/src/core/exchange.ts'
import { Fault } from '../../packages/server/src/core/fault.ts'
import { S3Error } from '../../packages/server/src/s3/errors.ts'
import { readPostForm } from '../../packages/server/src/s3/post-form.ts'
import { checkPostPolicy, readPostPolicy } from '../../packages/server/src/s3/post-policy.ts'
import { SignatureError } from '../../packages/server/src/signature/errors.ts'
import { readFormClaim, verifyForm } from '../../packages/server/src/signature/form.ts'
import { errorsOf, INHERITED, JSON_MARKS, reading, readingOf, type Target } from '../target.ts'

const refusals = errorsOf(S3Error, SignatureError)
const FIELDS = new Map([
  ['key', 'user/a.txt'],
  ['bucket', 'bucket'],
  ['content-type', 'text/plain,text/html'],
])
const SUBMITTED = { fields: FIELDS, names: [...FIELDS.keys()], nowMs: Date.UTC(2026, 0) }

export const postPolicy: Target = {
  name: 'post-policy',
  dictionary: [
    ...JSON_MARKS,
    ...['null', '0', '-1', '1e400', '"expiration"', '"conditions"', '"2027-01-01T00:00:00Z"'],
    ...[
      '"eq"',
      '"starts-with"',
      '"content-length-range"',
      '"$key"',
      '"user/"',
      '{"bucket":"bucket"}',
      '{"toString":1}',
    ],
    ...['"+999999-01-01T00:00:00Z"', ...INHERITED.map((name) => `"${name}"`)],
  ],
  check(input) {
    const encoded = Buffer.from(input).toString('base64')
    const policy = reading(() => readPostPolicy(encoded), refusals)
    if ('value' in policy) {
      ok(Number.isFinite(policy.value.expiresAtMs))
      reading(() => checkPostPolicy(policy.value, SUBMITTED), refusals)
    }
    // The text as it is, where it is no policy, stands for the fields that prove one.
    const fields = new URLSearchParams(Buffer.from(input).toString('latin1'))
    const claim = reading(() => readFormClaim(new Map(fields)), refusals)
    if ('refused' in claim || !claim.value) return
    const verified = reading(
      () => verifyForm(claim.value!, { secretAccessKey: 'secret', region: 'us-east-1' }),
      refusals,
    )
    ok('refused' in verified, 'a form is verified that nobody has signed')
  },
}

const BOUNDARY = 'XboundaryX'

export const postForm: Target = {
  name: 'post-form',
  dictionary: [
    ...[
      `--${BOUNDARY}`,
      `\r\n--${BOUNDARY}--\r\n`,
      `\r\n--${BOUNDARY}\r\n`,
      '\r\n',
      '\r\n\r\n',
      '--',
      '\n',
      '"',
      ';',
      '=',
    ],
    ...[
      'Content-Disposition: form-data; ',
      'name="file"',
      'name="key"',
      'filename="a"',
      "filename*=utf-8''%e2%82%ac",
      '%',
    ],
    ...['Content-Type: ', 'multipart/mixed; boundary=', 'text/plain; charset=', 'utf-16', 'charset=x', '\\', '\0'],
    ...['Content-Transfer-Encoding: base64', ...INHERITED.map((name) => `name="${name}"`)],
  ],
  async check(input) {
    const whole = await formOf([input])
    const cut = [...input].map((byte) => Uint8Array.of(byte))
    // What has been given out when a refusal comes depends on the cuts, and so does which of two is seen first.
    const other = cut.length <= MOST_CUT ? await formOf(cut) : whole
    if ('value' in whole && 'value' in other) deepStrictEqual(other.value, whole.value)
    else deepStrictEqual('refused' in other, 'refused' in whole, 'the cuts of the wire make a difference')
  },
}

const MOST_CUT = 2048

function formOf(pieces: readonly Uint8Array[]) {
  const request = Object.assign(Readable.from(pieces.map((piece) => Buffer.from(piece))), {
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
  })
  const exchange = { request, response: new EventEmitter(), expectsContinue: false } as unknown as Exchange
  return readingOf(
    async () => {
      const { fields, names, fileName, file } = await readPostForm(exchange)
      const bytes: Uint8Array[] = []
      for await (const piece of file) bytes.push(piece)
      return { fields, names, fileName, file: Buffer.concat(bytes) }
    },
    errorsOf(S3Error, Fault),
  )
}
