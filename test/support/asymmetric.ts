/** Asymmetric keys for tests: each kind is made once a server, since RSA takes its time. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  CreateKeyCommand,
  GetPublicKeyCommand,
  type KeyMetadata,
  type KeySpec,
  type KeyUsageType,
  type KMSClient,
} from '@aws-sdk/client-kms'

export async function newKey(kms: KMSClient, KeySpec: KeySpec, KeyUsage: KeyUsageType): Promise<KeyMetadata> {
  return (await kms.send(new CreateKeyCommand({ KeySpec, KeyUsage }))).KeyMetadata!
}

/** The same key whenever the same kind is asked for. */
export function keysOfKinds(kms: () => KMSClient) {
  const made = new Map<string, Promise<KeyMetadata>>()
  return (spec: KeySpec, usage: KeyUsageType): Promise<KeyMetadata> => {
    const kind = `${spec} ${usage}`
    const key = made.get(kind) ?? newKey(kms(), spec, usage)
    made.set(kind, key)
    return key
  }
}

export const readSpki = (der: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })

/** As whoever has only the public key would use it. */
export async function publicKeyOf(kms: KMSClient, KeyId: string): Promise<KeyObject> {
  return readSpki((await kms.send(new GetPublicKeyCommand({ KeyId }))).PublicKey!)
}
