/** A root key in AWS KMS, or in whatever speaks its API, such as another Strongroom. It never leaves there. */
import { type SigningCredentials, signedHeaders } from '../signature/sign.ts'
import { postJson, type ServiceAnswer, serviceUrl } from './json-service.ts'
import { RootKeyError, type RootKeyProvider, RootKeyUnreachable } from './provider.ts'

export interface AwsKmsKey {
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string
  readonly region: string
  /** Undefined: AWS's own of the region. */
  readonly endpoint?: string | undefined
  readonly caFile?: string | undefined
  /** Asked for each call, so that new ones count at once. */
  readonly credentials: () => Promise<SigningCredentials>
}

/** What says that this key did not wrap it, or never will; anything else may be mended at the other side. */
const FINAL = new Set([
  'InvalidCiphertextException',
  'IncorrectKeyException',
  'NotFoundException',
  'InvalidArnException',
])

export function awsKmsProvider(key: AwsKmsKey): RootKeyProvider {
  const url = serviceUrl(key.endpoint ?? `https://kms.${key.region}.amazonaws.com`)
  const call = async (operation: string, input: object, result: string): Promise<Uint8Array> => {
    const body = Buffer.from(JSON.stringify({ KeyId: key.keyId, ...input }))
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` }
    const credentials = await key.credentials()
    const request = { method: 'POST', host: url.host, path: '/', headers, body, service: 'kms', region: key.region }
    const signed = signedHeaders({ ...request, credentials }, new Date())
    const answer = await postJson(new URL('/', url), signed, body, key.caFile)
    const value = answer.body[result]
    if (answer.status === 200 && typeof value === 'string') return Buffer.from(value, 'base64')
    throw refusal(operation, answer)
  }
  return {
    description: `the KMS key ${key.keyId} at ${url.origin}`,
    wrap: (bytes, context) =>
      call('Encrypt', { Plaintext: base64(bytes), EncryptionContext: context }, 'CiphertextBlob'),
    unwrap: (wrapped, context) =>
      call('Decrypt', { CiphertextBlob: base64(wrapped), EncryptionContext: context }, 'Plaintext'),
  }
}

/** Codes may come with a namespace before them, and messages by either spelling. */
function refusal(operation: string, { status, body }: ServiceAnswer): Error {
  const code = String(body.__type ?? '')
    .split('#')
    .at(-1)!
  const message = String(body.message ?? body.Message ?? '')
  const text = `${operation} was refused: ${code || `status ${status}`}${message ? `, ${message}` : ''}`
  return FINAL.has(code) ? new RootKeyError(text) : new RootKeyUnreachable(text)
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
