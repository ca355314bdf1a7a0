/** IAM's errors on the wire, and the table from faults to them. */
import type { IdentityRefusal } from '../core/fault.ts'
import { deniedText, serviceErrors } from '../protocols/fault-answers.ts'

export const toIamError = serviceErrors<'IdentityRefused' | 'PolicyMalformed' | 'AccessDenied' | 'Sealed'>({
  unknownOperation: (operation) => ['InvalidAction', `Could not find operation ${operation} for version 2010-05-08`],
  internal: ['ServiceFailure'],
  faults: {
    IdentityRefused: ({ refusal, message }) => [refusal, message, STATUS[refusal]],
    PolicyMalformed: ({ message }) => ['MalformedPolicyDocument', message, 400],
    AccessDenied: (detail) => ['AccessDenied', deniedText(detail), 403],
    Sealed: () => ['ServiceUnavailable', 'The root key is not at hand.', 503],
  },
})

const STATUS: Readonly<Record<IdentityRefusal, number>> = {
  NoSuchEntity: 404,
  EntityAlreadyExists: 409,
  DeleteConflict: 409,
  LimitExceeded: 409,
  InvalidInput: 400,
  UnmodifiableEntity: 400,
  ConcurrentModification: 409,
  PolicyNotAttachable: 400,
  PolicyEvaluation: 500,
  InvalidIdentityToken: 400,
  ExpiredTokenException: 400,
  IDPRejectedClaim: 403,
  IDPCommunicationError: 400,
  PackedPolicyTooLarge: 400,
}
