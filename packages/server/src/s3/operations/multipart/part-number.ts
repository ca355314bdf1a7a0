import { MAX_PARTS } from '../../../objects/completion.ts'
import { S3Error } from '../../errors.ts'

/** Throws S3Error InvalidArgument. */
export function readPartNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= MAX_PARTS) return number
  const message = `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`
  throw new S3Error('InvalidArgument', { message, fields: { ArgumentName: 'partNumber', ArgumentValue: text } })
}
