/** The header matrix of server-side encryption (AWS S3 API reference; errors as recorded from AWS). Pure. */
import { createHash } from 'node:crypto'
import { DataKey } from '@strongroom/crypto'
import { type EncryptionRefusal, Fault } from '../core/fault.ts'
import type { CustomerKey, ProtectionFacts, RequestedProtection } from '../objects/types.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const METHOD = 'x-amz-server-side-encryption'
const KMS_KEY_ID = `${METHOD}-aws-kms-key-id`
const CONTEXT = `${METHOD}-context`
const BUCKET_KEY = `${METHOD}-bucket-key-enabled`
const CUSTOMER = `${METHOD}-customer`
const COPY_SOURCE_CUSTOMER = 'x-amz-copy-source-server-side-encryption-customer'

/** What a write asks for. Throws Fault EncryptionRefused. */
export function requestedProtection(headers: Headers, secure: boolean): RequestedProtection {
  const method = text(headers, METHOD)
  const customerKey = readCustomerKey(headers, CUSTOMER, secure, method)
  if (customerKey) return { kind: 'SSE-C', customerKey }
  const keyId = text(headers, KMS_KEY_ID)
  const context = text(headers, CONTEXT)
  if (method === 'aws:kms' || method === 'aws:kms:dsse') {
    return {
      kind: method,
      keyId,
      encryptionContext: context === undefined ? undefined : readContext(context),
      bucketKeyEnabled: readBucketKey(text(headers, BUCKET_KEY)),
    }
  }
  if (method !== undefined && method !== 'AES256') throw refused('MethodUnknown', method)
  if (keyId !== undefined || context !== undefined) throw refused('KmsKeyIdWithoutKms')
  return { kind: method ?? 'default' }
}

/** A customer's key that came in clear is refused before anything else is looked at. Throws Fault EncryptionRefused. */
export function refuseCustomerKeyInClear(headers: Headers, secure: boolean): void {
  if (secure) return
  for (const prefix of [CUSTOMER, COPY_SOURCE_CUSTOMER]) readCustomerKey(headers, prefix, secure, undefined)
}

/** The customer's key of a read. Other encryption headers have no place on one. */
export function customerKeyOfRead(headers: Headers, secure: boolean): CustomerKey | undefined {
  if ([METHOD, KMS_KEY_ID, CONTEXT, BUCKET_KEY].some((name) => headers[name] !== undefined))
    throw refused('SseHeadersOnRead')
  return readCustomerKey(headers, CUSTOMER, secure, undefined, true)
}

/** The customer's key of an upload's part. The other methods were chosen when the upload was created. */
export function customerKeyOfPart(headers: Headers, secure: boolean): CustomerKey | undefined {
  const other = [METHOD, KMS_KEY_ID, CONTEXT, BUCKET_KEY].find((name) => headers[name] !== undefined)
  if (other !== undefined) {
    const message = `${other} header is not supported for this operation.`
    throw new Fault('ArgumentInvalid', { argument: other, value: text(headers, other)!, message })
  }
  return readCustomerKey(headers, CUSTOMER, secure, undefined)
}

/** The customer's key of a copy's source. */
export function customerKeyOfCopySource(headers: Headers, secure: boolean): CustomerKey | undefined {
  return readCustomerKey(headers, COPY_SOURCE_CUSTOMER, secure, undefined, true)
}

/** Reply headers of an encrypted object; `context` only where the operation echoes it. */
export function protectionHeaders(facts: ProtectionFacts, customerKey: CustomerKey | undefined, context = false) {
  if (facts.method === 'SSE-C') {
    return { [`${CUSTOMER}-algorithm`]: 'AES256', [`${CUSTOMER}-key-md5`]: customerKey?.keyMd5 }
  }
  return {
    [METHOD]: facts.method,
    [KMS_KEY_ID]: facts.kmsKeyArn,
    // AWS leaves it out where it is false.
    [BUCKET_KEY]: facts.bucketKeyEnabled ? 'true' : undefined,
    [CONTEXT]:
      context && facts.encryptionContext
        ? Buffer.from(JSON.stringify(facts.encryptionContext)).toString('base64')
        : undefined,
  }
}

function readCustomerKey(
  headers: Headers,
  prefix: string,
  secure: boolean,
  method: string | undefined,
  read = false,
): CustomerKey | undefined {
  const algorithm = text(headers, `${prefix}-algorithm`)
  const key = text(headers, `${prefix}-key`)
  const keyMd5 = text(headers, `${prefix}-key-md5`)
  if (algorithm === undefined && key === undefined && keyMd5 === undefined) return undefined
  if (!secure) throw refused('SseCRequiresTls')
  if (method !== undefined) throw refused('SseCWithOtherMethod', method)
  if (algorithm === undefined) throw refused('SseCAlgorithmMissing')
  if (key === undefined) throw refused('SseCKeyMissing')
  if (algorithm !== 'AES256') throw refused('SseCAlgorithmInvalid', algorithm)
  const bytes = Buffer.from(key, 'base64')
  // AWS compares a read's key with the stored one before it looks at its length; one of another length is a wrong one.
  if (bytes.length !== 32) throw refused(read ? 'SseCKeyWrong' : 'SseCKeyInvalid')
  if (keyMd5 === undefined) throw refused('SseCKeyMd5Missing')
  if (createHash('md5').update(bytes).digest('base64') !== keyMd5) throw refused('SseCKeyMd5Mismatch')
  return { key: new DataKey(Uint8Array.from(bytes)), keyMd5 }
}

function readBucketKey(value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined
  const read = { true: true, false: false }[value.toLowerCase()]
  if (read === undefined) {
    const message = `The value of ${BUCKET_KEY} is neither true nor false.`
    throw new Fault('ArgumentInvalid', { argument: BUCKET_KEY, value, message })
  }
  return read
}

/** Base64 of a JSON object of strings. `aws:s3:arn` is S3's own. */
function readContext(header: string): Record<string, string> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'base64')))
  } catch {
    throw refused('KmsContextInvalid')
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (
    !isMap ||
    Object.values(value as object).some((entry) => typeof entry !== 'string') ||
    'aws:s3:arn' in (value as object)
  ) {
    throw refused('KmsContextInvalid')
  }
  return value as Record<string, string>
}

function text(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return value === undefined ? undefined : String(value)
}

const refused = (refusal: EncryptionRefusal, value?: string) =>
  new Fault('EncryptionRefused', { refusal, ...(value !== undefined && { value }) })
