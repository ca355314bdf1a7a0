/** Members of requests that AWS has and this server has not. */
import { Fault } from '../core/fault.ts'
import type { Input } from '../protocols/input.ts'

/** What is asked for must not be done as if it had not been. Throws KmsUnsupported. */
export function refuseMembers(input: Input, ...names: readonly string[]): void {
  for (const name of names) {
    if (input.has(name)) throw new Fault('KmsUnsupported', { message: `${name} is not supported by this server.` })
  }
}

/** A secret that is asked for under an enclave's key must not come in clear instead. */
export const refuseRecipient = (input: Input) => refuseMembers(input, 'Recipient')
