/** Service Quotas' errors on the wire, and the table from faults to them. */
import { deniedText, serviceErrors } from '../protocols/fault-answers.ts'
import { ServiceError } from '../protocols/service-error.ts'

export const noSuchResource = (message: string) => new ServiceError('NoSuchResourceException', message)

export const toServiceQuotasError = serviceErrors<'AccessDenied' | 'QuotaRefused' | 'Contention' | 'Sealed'>({
  unknownOperation: () => ['UnknownOperationException', ''],
  internal: ['ServiceException'],
  faults: {
    AccessDenied: (detail) => ['AccessDeniedException', deniedText(detail), 400],
    QuotaRefused: ({ refusal, message }) => [`${refusal}Exception`, message, 400],
    Contention: () => [
      'TooManyRequestsException',
      'The request was changed at the same time by another. Try again.',
      400,
    ],
    Sealed: () => ['ServiceException', 'The root key is not at hand.', 503],
  },
})
