/** Exit codes of the program, and the errors that lead to them. */
export const EXIT = { done: 0, failed: 1, usage: 2, configuration: 78 } as const

/** The configuration, a secret or the data folder's state does not let the server start; exit code 78. */
export class ConfigurationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConfigurationError'
  }
}

/** The command line is wrong; exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

export function exitCodeFor(error: unknown): number {
  if (error instanceof ConfigurationError) return EXIT.configuration
  if (error instanceof UsageError) return EXIT.usage
  return EXIT.failed
}
