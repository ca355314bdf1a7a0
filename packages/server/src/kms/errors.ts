/** The KMS's errors on the wire, and the table from faults to them, total by type. */
import { Fault, type FaultCode, type FaultDetails } from '../core/fault.ts'
import { UnknownOperation } from '../protocols/service-door.ts'
import { ServiceError } from '../protocols/service-error.ts'

export const validation = (message: string) => new ServiceError('ValidationException', message)

export function toKmsError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof UnknownOperation) return new ServiceError('UnknownOperationException', '')
  if (error instanceof Fault) {
    const fault: Fault = error
    const answer = FAULTS[fault.code] as ((detail: Fault['detail']) => ReturnType<Answer<FaultCode>>) | undefined
    if (answer) {
      const [code, message, status = 400] = answer(fault.detail)
      return new ServiceError(code, message, status, { cause: fault })
    }
  }
  return new ServiceError('KMSInternalException', 'The request failed because of an internal error.', 500, {
    cause: error,
  })
}

type Answer<C extends FaultCode> = (
  detail: FaultDetails[C],
) => readonly [code: string, message: string, status?: number]
type KmsFaults = Extract<FaultCode, `Kms${string}` | 'AccessDenied' | 'PolicyMalformed' | 'Sealed' | 'Contention'>

/** Faults of other rooms never come here; they would be our own failure. */
const FAULTS: { readonly [C in KmsFaults]: Answer<C> } & { readonly [C in Exclude<FaultCode, KmsFaults>]?: never } = {
  KmsKeyNotFound: ({ message }) => ['NotFoundException', message],
  KmsKeyDisabled: ({ keyArn }) => ['DisabledException', `${keyArn} is disabled.`],
  KmsKeyStateInvalid: ({ keyArn, state }) => ['KMSInvalidStateException', `${keyArn} is ${state}.`],
  KmsKeyUsageInvalid: ({ message }) => ['InvalidKeyUsageException', message],
  KmsMacInvalid: () => ['KMSInvalidMacException', ''],
  KmsSignatureInvalid: () => ['KMSInvalidSignatureException', ''],
  KmsCiphertextInvalid: () => ['InvalidCiphertextException', ''],
  KmsKeyIncorrect: () => [
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  ],
  KmsAliasExists: ({ aliasArn }) => ['AlreadyExistsException', `An alias with the name ${aliasArn} already exists`],
  KmsAliasInvalid: ({ message }) => ['InvalidAliasNameException', message],
  KmsArnInvalid: ({ message }) => ['InvalidArnException', message],
  KmsMarkerInvalid: () => ['InvalidMarkerException', 'Could not deserialize marker'],
  KmsGrantIdInvalid: () => ['InvalidGrantIdException', 'Invalid grant id'],
  KmsGrantTokenInvalid: () => ['InvalidGrantTokenException', 'Invalid grant token'],
  KmsReplicaExists: ({ message }) => ['AlreadyExistsException', message],
  KmsUnsupported: ({ message }) => ['UnsupportedOperationException', message],
  KmsImportTokenInvalid: () => ['InvalidImportTokenException', ''],
  KmsImportTokenExpired: () => ['ExpiredImportTokenException', ''],
  KmsMaterialIncorrect: ({ message }) => ['IncorrectKeyMaterialException', message],
  KmsMaterialStateInvalid: ({ message }) => ['KMSInvalidStateException', message],
  KmsDryRun: () => ['DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.'],
  KmsValidation: ({ message }) => ['ValidationException', message],
  KmsLimitExceeded: ({ message }) => ['LimitExceededException', message],
  KmsTagInvalid: ({ message }) => ['TagException', message],
  KmsThrottled: () => [
    'ThrottlingException',
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  ],
  AccessDenied: ({ callerArn, action, resource, reason }) => [
    'AccessDeniedException',
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`,
  ],
  PolicyMalformed: ({ message }) => ['MalformedPolicyDocumentException', message],
  Sealed: () => ['KeyUnavailableException', 'The root key is not at hand.', 500],
  Contention: () => ['KMSInternalException', 'The request was rejected because of concurrent changes.'],
}
