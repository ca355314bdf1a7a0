/** A policy that cannot be: the message says what is wrong with it, in AWS's words where they are known. */
export class PolicyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PolicyError'
  }
}
