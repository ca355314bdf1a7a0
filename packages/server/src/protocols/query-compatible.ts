/**
 * Services that were of the query protocol once say under the newer ones how an error was called there, so that old code
 * still knows it (Smithy, "awsQueryCompatible trait").
 */
import type { ServiceError } from './service-error.ts'

/** The error's code in the query protocol. */
export const queryCode = ({ queryCode, code }: ServiceError): string => queryCode ?? QUERY_CODES[code] ?? code

export const queryErrorHeaders = (error: ServiceError): Readonly<Record<string, string>> => ({
  'x-amzn-query-error': `${queryCode(error)};${error.status >= 500 ? 'Receiver' : 'Sender'}`,
})

/** What every service has. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  ValidationException: 'ValidationError',
  AccessDeniedException: 'AccessDenied',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnrecognizedClientException: 'InvalidClientTokenId',
  ExpiredTokenException: 'ExpiredToken',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  IncompleteSignatureException: 'IncompleteSignature',
  UnknownOperationException: 'InvalidAction',
}
