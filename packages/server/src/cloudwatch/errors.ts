/** CloudWatch's errors on the wire, and the table from faults to them. */
import { deniedText, serviceErrors } from '../protocols/fault-answers.ts'
import { ServiceError } from '../protocols/service-error.ts'

/** By their names in the API's model: the code of the query protocol, and the status. */
const MODELLED = {
  ConcurrentModificationException: ['ConcurrentModificationException', 429],
  DashboardInvalidInputError: ['InvalidParameterInput', 400],
  DashboardNotFoundError: ['ResourceNotFound', 404],
  InternalServiceFault: ['InternalServiceError', 500],
  InvalidFormatFault: ['InvalidFormat', 400],
  InvalidNextToken: ['InvalidNextToken', 400],
  InvalidParameterCombinationException: ['InvalidParameterCombination', 400],
  InvalidParameterValueException: ['InvalidParameterValue', 400],
  LimitExceededFault: ['LimitExceeded', 400],
  MissingRequiredParameterException: ['MissingParameter', 400],
  ResourceNotFound: ['ResourceNotFound', 404],
  ResourceNotFoundException: ['ResourceNotFoundException', 404],
  ValidationException: ['ValidationError', 400],
} as const satisfies Readonly<Record<string, readonly [queryCode: string, status: number]>>

export function cloudWatchError(
  name: keyof typeof MODELLED,
  message: string,
  options: ErrorOptions & { readonly members?: Readonly<Record<string, unknown>> } = {},
): ServiceError {
  const [queryCode, status] = MODELLED[name]
  return new ServiceError(name, message, status, { ...options, queryCode })
}

export const invalidValue = (message: string) => cloudWatchError('InvalidParameterValueException', message)
export const invalidCombination = (message: string) => cloudWatchError('InvalidParameterCombinationException', message)
export const missing = (parameter: string) =>
  cloudWatchError('MissingRequiredParameterException', `The parameter ${parameter} is required.`)
export const validation = (message: string) => cloudWatchError('ValidationException', message)

export const toCloudWatchError = serviceErrors<
  'AccessDenied' | 'AlarmLimitReached' | 'MetricLimitReached' | 'Contention' | 'Sealed'
>({
  unknownOperation: (operation) => ['UnknownOperationException', `Could not find operation ${operation}`],
  internal: ['InternalServiceFault', 'InternalServiceError'],
  faults: {
    AccessDenied: (detail) => ['AccessDeniedException', deniedText(detail), 403],
    AlarmLimitReached: ({ limit }) => [
      'LimitExceededFault',
      `The maximum number of alarms, ${limit}, has been reached.`,
      400,
      'LimitExceeded',
    ],
    MetricLimitReached: ({ maxMetrics }) => [
      'LimitExceededException',
      `The server keeps ${maxMetrics} metrics already, and takes no new one.`,
      400,
    ],
    Contention: () => [
      'ConcurrentModificationException',
      'The request was changed at the same time by another. Try again.',
      429,
    ],
    Sealed: () => ['ServiceUnavailableException', 'The root key is not at hand.', 503, 'ServiceUnavailable'],
  },
})
