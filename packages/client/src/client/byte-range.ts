import { EncryptionError } from '../errors.ts'

export interface ByteRange {
  readonly start: number
  readonly endExclusive: number
}

/**
 * One range of bytes in a body of `totalBytes` (RFC 9110, 14.1.2): `bytes=first-last`, `bytes=first-`,
 * `bytes=-count`. `undefined` where it lies behind the end. Throws EncryptionError UnsupportedParameter for anything else.
 */
export function parseRange(text: string, totalBytes: number): ByteRange | undefined {
  const [, first, last] = /^\s*bytes=(\d*)-(\d*)\s*$/i.exec(text) ?? []
  if (first === undefined || last === undefined || (first === '' && last === ''))
    throw new EncryptionError('UnsupportedParameter', 'Range is not one range of bytes')
  const start = first === '' ? Math.max(0, totalBytes - Number(last)) : Number(first)
  const endExclusive = first === '' || last === '' ? totalBytes : Math.min(totalBytes, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < start)
    throw new EncryptionError('UnsupportedParameter', 'Range ends before it begins')
  return start < endExclusive ? { start, endExclusive } : undefined
}
