/** Unique ids of IAM: four letters that say what it is, then letters and digits (IAM user guide, "Unique identifiers"). */
import { randomBytes } from 'node:crypto'

export type IdPrefix = 'AIDA' | 'AGPA' | 'AROA' | 'ANPA' | 'AKIA'

/** Four letters and 17 characters; of access keys 16. */
export function uniqueId(prefix: IdPrefix): string {
  const length = prefix === 'AKIA' ? 16 : 17
  return `${prefix}${Array.from(randomBytes(length), (byte) => BASE32[byte & 31]).join('')}`
}

/** 40 characters, as AWS's. */
export const newSecretAccessKey = () => randomBytes(30).toString('base64')

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
