/** CloudTrail's errors on the wire, and the table from faults to them. */
import { deniedText, serviceErrors } from '../protocols/fault-answers.ts'
import { ServiceError } from '../protocols/service-error.ts'

export const trailError = (code: string, message: string) => new ServiceError(`${code}Exception`, message)

export const toTrailError = serviceErrors<'AccessDenied' | 'TrailRefused' | 'Contention' | 'Sealed'>({
  unknownOperation: () => ['UnknownOperationException', ''],
  internal: ['InternalFailure'],
  faults: {
    AccessDenied: (detail) => ['AccessDeniedException', deniedText(detail), 400],
    TrailRefused: ({ refusal, message }) => [`${refusal}Exception`, message, 400],
    Contention: () => [
      'ConflictException',
      'The trail was changed at the same time by another request. Try again.',
      400,
    ],
    Sealed: () => ['ServiceUnavailableException', 'The root key is not at hand.', 503],
  },
})
