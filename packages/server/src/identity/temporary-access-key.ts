/** Ids of temporary access keys: ASIA and 16 characters of base 32, in which the account stands, as in AWS's own. */
import { randomBytes } from 'node:crypto'

const TEMPORARY_PREFIX = 'ASIA'

/** Ten bytes: a bit that is set, 40 bits of account, 39 random ones. Two of one account may meet; tokens tell them apart. */
export function temporaryAccessKeyId(accountId: string): string {
  const random = BigInt(`0x${randomBytes(5).toString('hex')}`) >> 1n
  let bits = (1n << 79n) | (BigInt(accountId) << 39n) | random
  let text = ''
  for (let i = 0; i < 16; i++) {
    text = BASE32[Number(bits & 31n)] + text
    bits >>= 5n
  }
  return TEMPORARY_PREFIX + text
}

/** The account of a temporary access key id; undefined where the text is none. */
export function accountOfTemporaryKey(accessKeyId: string): string | undefined {
  if (!/^ASIA[A-Z2-7]{16}$/.test(accessKeyId)) return undefined
  let bits = 0n
  for (const character of accessKeyId.slice(TEMPORARY_PREFIX.length)) {
    bits = (bits << 5n) | BigInt(BASE32.indexOf(character))
  }
  const account = String((bits >> 39n) & ((1n << 40n) - 1n)).padStart(12, '0')
  return account.length === 12 ? account : undefined
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
