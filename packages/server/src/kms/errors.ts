/** The KMS's errors on the wire, and the table from faults to them. */
import type { FaultCode } from '../core/fault.ts'
import { deniedText, serviceErrors } from '../protocols/fault-answers.ts'
import { ServiceError } from '../protocols/service-error.ts'

export const validation = (message: string) => new ServiceError('ValidationException', message)

export const toKmsError = serviceErrors<
  Extract<FaultCode, `Kms${string}` | 'AccessDenied' | 'PolicyMalformed' | 'Sealed' | 'Contention'>
>({
  unknownOperation: () => ['UnknownOperationException', ''],
  internal: ['KMSInternalException'],
  faults: {
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
    AccessDenied: (detail) => ['AccessDeniedException', deniedText(detail)],
    PolicyMalformed: ({ message }) => ['MalformedPolicyDocumentException', message],
    Sealed: () => ['KeyUnavailableException', 'The root key is not at hand.', 500],
    Contention: () => ['KMSInternalException', 'The request was rejected because of concurrent changes.'],
  },
})
