import { S3Error } from './errors.ts'

/** The refusal, by name, of an operation that S3 has and this server has not; `what` is left out where it is all of it. */
export const notImplemented = (operation: string, what = '') =>
  new S3Error('NotImplemented', {
    message: `${operation}${what && ` with ${what}`} is not implemented by this server.`,
    fields: { Operation: operation },
  })
