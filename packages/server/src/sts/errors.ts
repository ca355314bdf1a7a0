/** STS's errors on the wire (STS API reference, "Common errors"), and the table from faults to them. */
import type { FaultDetails } from '../core/fault.ts'
import { serviceErrors } from '../protocols/fault-answers.ts'

export const toStsError = serviceErrors<'AccessDenied' | 'PolicyMalformed' | 'IdentityRefused' | 'Sealed'>({
  unknownOperation: (operation) => ['InvalidAction', `Could not find operation ${operation} for version 2011-06-15`],
  internal: ['InternalFailure'],
  faults: {
    AccessDenied: (detail) => ['AccessDenied', accessDenied(detail), 403],
    PolicyMalformed: ({ message }) => ['MalformedPolicyDocument', message, 400],
    IdentityRefused: ({ refusal, message }) => [refusal, message, refusal === 'IDPRejectedClaim' ? 403 : 400],
    Sealed: () => ['ServiceUnavailable', 'The root key is not at hand.', 503],
  },
})

/** Of a role that is not there or does not trust the caller nothing is told, and to nobody who has no name here. */
function accessDenied({ callerArn, action, resource, reason }: FaultDetails['AccessDenied']): string {
  if (action === 'sts:AssumeRoleWithWebIdentity') return `Not authorized to perform ${action}`
  const asked = `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource}`
  return resource.includes(':role/') ? asked : `${asked} ${reason}`
}
