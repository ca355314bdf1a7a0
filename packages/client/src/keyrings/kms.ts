/**
 * Keyrings whose wrapping key is in AWS KMS or what speaks its protocol. What the service says of itself (access,
 * throttling, a disabled key) passes as it is; that a wrap is not of the key is EncryptionError DataKeyNotOpened.
 */
import { DecryptCommand, EncryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { DataKey } from '@strongroom/crypto'
import { EncryptionError } from '../errors.ts'
import type { Keyring, WrappedDataKey, WrapRequest } from './keyring.ts'
import { contextToStore, requireOwnContext } from './kms-context.ts'

/** A KMS key, and who asks for it. */
export interface KmsKeyringOptions {
  /** Made and ended by the caller. */
  readonly client: KMSClient
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string
  /** Of grants that are not yet known everywhere. */
  readonly grantTokens?: readonly string[]
}

/**
 * Data keys come from GenerateDataKey and are bound to the encryption context and the content algorithm. Reads wraps
 * of this key only, those of the legacy algorithm `kms` included.
 */
export function kmsKeyring({ client, keyId, grantTokens }: KmsKeyringOptions): Keyring {
  if (typeof keyId !== 'string' || keyId === '') throw new EncryptionError('InvalidConfiguration', 'keyId is missing')
  const key = { KeyId: keyId, ...tokens(grantTokens) }
  return {
    async generate(request) {
      const EncryptionContext = contextToStore(request)
      const reply = await client.send(new GenerateDataKeyCommand({ ...key, KeySpec: 'AES_256', EncryptionContext }))
      const wraps = [wrapOf(reply.CiphertextBlob, EncryptionContext)] as const
      return { dataKey: takeDataKey(reply.Plaintext), wraps }
    },

    async wrap(dataKey, request) {
      const EncryptionContext = contextToStore(request)
      const Plaintext = dataKey.bytes().slice()
      try {
        const reply = await client.send(new EncryptCommand({ ...key, Plaintext, EncryptionContext }))
        return [wrapOf(reply.CiphertextBlob, EncryptionContext)]
      } finally {
        Plaintext.fill(0)
      }
    },

    unwrap: (wrapped, request) => decrypt(client, key, wrapped, request).then((reply) => reply?.dataKey),
  }
}

/** Who asks, and whose keys may answer. */
export interface KmsDiscoveryKeyringOptions {
  /** Made and ended by the caller; only wraps of keys in its region open. */
  readonly client: KMSClient
  /** Whose keys may open objects: account ids. Any key that KMS lets the caller use, where it is absent. */
  readonly accounts?: readonly string[]
  /** Of the accounts; default `aws`. */
  readonly partition?: string
  /** Of grants that are not yet known everywhere. */
  readonly grantTokens?: readonly string[]
}

/**
 * Reads wraps of whatever key KMS finds for them; does not write. Without `accounts`, whoever may write to the bucket
 * can have an object opened that is encrypted under a key of their own.
 */
export function kmsDiscoveryKeyring(options: KmsDiscoveryKeyringOptions): Keyring {
  const { client, accounts, partition = 'aws', grantTokens } = options
  if (accounts?.length === 0) throw new EncryptionError('InvalidConfiguration', 'accounts is empty')
  const refuse = async () => {
    throw new EncryptionError('InvalidConfiguration', 'a discovery keyring only reads')
  }
  return {
    generate: refuse,
    wrap: refuse,
    async unwrap(wrapped, request) {
      const reply = await decrypt(client, tokens(grantTokens), wrapped, request)
      if (!reply || !accounts) return reply?.dataKey
      const [arn, ofPartition, service, , account] = reply.keyArn?.split(':') ?? []
      if (arn === 'arn' && ofPartition === partition && service === 'kms' && accounts.includes(account ?? ''))
        return reply.dataKey
      reply.dataKey.wipe()
      throw new EncryptionError('DataKeyNotOpened', 'its KMS key is not of an account that is allowed')
    },
  }
}

interface DecryptParameters {
  readonly KeyId?: string
  readonly GrantTokens?: string[]
}

async function decrypt(
  client: KMSClient,
  parameters: DecryptParameters,
  wrapped: WrappedDataKey,
  request: WrapRequest,
): Promise<{ readonly dataKey: DataKey; readonly keyArn: string | undefined } | undefined> {
  if (wrapped.algorithm !== 'kms+context' && wrapped.algorithm !== 'kms') return undefined
  requireOwnContext(wrapped, request)
  const input = { ...parameters, CiphertextBlob: wrapped.bytes, EncryptionContext: { ...wrapped.description } }
  try {
    const reply = await client.send(new DecryptCommand(input))
    return { dataKey: takeDataKey(reply.Plaintext), keyArn: reply.KeyId }
  } catch (error) {
    // By name: an application may have more than one copy of the SDK.
    if (error instanceof Error && NOT_OPENED.includes(error.name))
      throw new EncryptionError('DataKeyNotOpened', undefined, { cause: error })
    throw error
  }
}

/** What KMS answers to a ciphertext that is not of the key or of the context. */
const NOT_OPENED = ['InvalidCiphertextException', 'IncorrectKeyException']

const tokens = (grantTokens: readonly string[] | undefined) => (grantTokens ? { GrantTokens: [...grantTokens] } : {})

/** Copies the key out of the SDK's buffer, which may be part of a larger one, and overwrites it there. */
function takeDataKey(plaintext: Uint8Array | undefined): DataKey {
  const bytes = Uint8Array.from(plaintext ?? [])
  plaintext?.fill(0)
  if (bytes.length === 32) return new DataKey(bytes)
  bytes.fill(0)
  throw new EncryptionError('DataKeyNotOpened', 'what KMS gave is no key of 32 bytes')
}

function wrapOf(ciphertext: Uint8Array | undefined, description: Record<string, string>) {
  if (!ciphertext) throw new EncryptionError('InvalidConfiguration', 'what answers as KMS gives no ciphertext')
  return { algorithm: 'kms+context', bytes: Uint8Array.from(ciphertext), description } as const
}
