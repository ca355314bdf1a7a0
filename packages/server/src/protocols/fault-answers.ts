/** From whatever an operation threw to its service's error on the wire. Each service has a table, total by type. */
import { Fault, type FaultCode, type FaultDetails } from '../core/fault.ts'
import { UnknownOperation } from './service-door.ts'
import { ServiceError } from './service-error.ts'

/** Status 400 unless another is given; a query code where the query protocol has another name. */
export type FaultAnswer = readonly [code: string, message: string, status?: number, queryCode?: string]

export interface ServiceErrors<Answered extends FaultCode> {
  readonly unknownOperation: (operation: string) => FaultAnswer
  /** Of what is nobody's fault but ours: 500, with a text that tells nothing. */
  readonly internal: readonly [code: string, queryCode?: string]
  /** Faults of other rooms never come to a service; they would be our own failure. */
  readonly faults: { readonly [C in Answered]: (detail: FaultDetails[C]) => FaultAnswer } & {
    readonly [C in Exclude<FaultCode, Answered>]?: never
  }
}

export function serviceErrors<Answered extends FaultCode>({
  unknownOperation,
  internal: [internalCode, internalQueryCode],
  faults,
}: ServiceErrors<Answered>): (error: unknown) => ServiceError {
  function answerOf(error: unknown): FaultAnswer | undefined {
    if (error instanceof UnknownOperation) return unknownOperation(error.operation)
    if (!(error instanceof Fault)) return undefined
    const fault: Fault = error
    return (faults[fault.code as Answered] as ((detail: Fault['detail']) => FaultAnswer) | undefined)?.(fault.detail)
  }
  return (error) => {
    if (error instanceof ServiceError) return error
    const [code, message, status, queryCode] = answerOf(error) ?? [internalCode, INTERNAL, 500, internalQueryCode]
    return new ServiceError(code, message, status, { cause: error, ...(queryCode !== undefined && { queryCode }) })
  }
}

const INTERNAL = 'The request failed because of an internal error.'

/** How all services but S3 tell that a call was denied. */
export const deniedText = ({ callerArn, action, resource, reason }: FaultDetails['AccessDenied']): string =>
  `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`
