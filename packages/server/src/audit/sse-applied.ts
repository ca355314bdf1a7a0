/** How an object was sealed, in CloudTrail's words (S3 user guide, "Monitoring default encryption with AWS CloudTrail"). */
import type { EncryptionMethod } from '../core/outcome.ts'

/** `byDefault`: a write did not ask for the method, and took the bucket's. */
export const sseApplied = (method: EncryptionMethod, byDefault: boolean): string =>
  `${byDefault ? 'Default_' : ''}${NAMES[method]}`

const NAMES: Readonly<Record<EncryptionMethod, string>> = {
  AES256: 'SSE_S3',
  'aws:kms': 'SSE_KMS',
  'aws:kms:dsse': 'SSE_KMS_DSSE',
  'SSE-C': 'SSE_C',
}
