export interface ServiceErrorOptions extends ErrorOptions {
  readonly queryCode?: string
  readonly members?: Readonly<Record<string, unknown>>
}

/** An error on the wire of a service that is not S3. */
export class ServiceError extends Error {
  readonly code: string
  readonly status: number
  /** How the query protocol calls it, where a service has other names there. */
  readonly queryCode: string | undefined
  /** What it tells besides. */
  readonly members: Readonly<Record<string, unknown>> | undefined

  constructor(code: string, message: string, status = 400, options?: ServiceErrorOptions) {
    super(message, options)
    this.name = 'ServiceError'
    this.code = code
    this.status = status
    this.queryCode = options?.queryCode
    this.members = options?.members
  }
}
