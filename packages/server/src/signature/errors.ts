/** Why a signature was refused: rows that every door words in its own way. Codes and texts are those of S3. */
const ROWS = {
  AccessDenied: [403, 'Access Denied'],
  AuthorizationHeaderMalformed: [400, 'The authorization header you provided is invalid.'],
  AuthorizationQueryParametersError: [400, 'The authorization query parameters that you provided are not valid.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidRequest: [400, 'Invalid Request'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the current time is too large.'],
  SignatureDoesNotMatch: [
    403,
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type SignatureErrorCode = keyof typeof ROWS

export class SignatureError extends Error {
  readonly code: SignatureErrorCode
  readonly status: number
  /** Further elements of the error document. */
  readonly fields: Readonly<Record<string, string>>

  constructor(code: SignatureErrorCode, message?: string, fields: Readonly<Record<string, string>> = {}) {
    super(message ?? ROWS[code][1])
    this.name = 'SignatureError'
    this.code = code
    this.status = ROWS[code][0]
    this.fields = fields
  }
}
