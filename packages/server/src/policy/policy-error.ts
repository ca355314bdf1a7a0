import { Fault } from '../core/fault.ts'

/** A policy that cannot be: the message says what is wrong with it, in AWS's words where they are known. */
export class PolicyError extends Fault<'PolicyMalformed'> {
  constructor(message: string) {
    super('PolicyMalformed', { message })
    this.name = 'PolicyError'
    this.message = message
  }
}
