/**
 * A version of a key's material as its record holds it: sealed under a key of its deletable secret, and that again under the
 * store key, so that neither opens it without the other. Texts name the secret: `3:`, its id, `:`, and what the store key
 * wrapped. Those without a name are of the time before there were secrets.
 */
import { deriveKey, MessageKey } from '@strongroom/crypto/node'
import { each } from '../records/each-record.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { SealingKey } from '../root-key/store-key.ts'
import { GONE, type KmsKey, kmsKeyRecord } from './kms-records.ts'
import type { MaterialSecrets } from './material-secrets.ts'

export interface FreshSecret {
  readonly id: string
  readonly secret: Uint8Array
}

export class MaterialWrapping {
  readonly #storeKey: SealingKey
  readonly #secrets: MaterialSecrets

  constructor(storeKey: SealingKey, secrets: MaterialSecrets) {
    this.#storeKey = storeKey
    this.#secrets = secrets
  }

  /** A secret for one `wrap`, durable from now on. One that is not used after all is removed by `strongroom keys shred`. */
  freshSecret(): Promise<FreshSecret> {
    return this.#secrets.make()
  }

  /** Wipes the secret. */
  wrap(material: Uint8Array, context: Uint8Array, { id, secret }: FreshSecret): string {
    const inner = keyOf(secret).seal(material, context)
    return `${MARK}${id}:${this.#storeKey.wrap(inner, context)}`
  }

  /** To be wiped. Throws SealError, and Damaged where the secret is not there. */
  unwrap(wrapped: string, context: Uint8Array): Uint8Array {
    const { secretId, text } = read(wrapped)
    const inner = this.#storeKey.unwrap(text, context)
    return secretId === undefined ? inner : keyOf(this.#secrets.read(secretId)).open(inner, context)
  }

  /** The same under the version of the store key that seals now; the same text where it is so already. */
  rewrap(wrapped: string, context: Uint8Array): string {
    const { secretId, text } = read(wrapped)
    const anew = this.#storeKey.rewrap(text, context)
    return secretId === undefined ? anew : `${MARK}${secretId}:${anew}`
  }
}

/** The secrets that a key's material needs, that which waits for a rotation included. */
export function secretsOf({ material, imported }: KmsKey): readonly string[] {
  const all = [...material, imported?.pending?.wrapped ?? GONE]
  return all.flatMap((wrapped) => read(wrapped).secretId ?? [])
}

/** The secrets that any key needs, in whatever region, also in those in which the server does not answer any more. */
export async function secretsOfAll(records: RecordStore): Promise<ReadonlySet<string>> {
  const needed = new Set<string>()
  for await (const { value } of each(records, kmsKeyRecord)) for (const id of secretsOf(value)) needed.add(id)
  return needed
}

/** Whether it is there and has no secret. */
export const lacksSecret = (wrapped: string) => wrapped !== GONE && read(wrapped).secretId === undefined

function read(wrapped: string): { secretId: string | undefined; text: string } {
  if (!wrapped.startsWith(MARK)) return { secretId: undefined, text: wrapped }
  const end = MARK.length + ID_LENGTH
  return { secretId: wrapped.slice(MARK.length, end), text: wrapped.slice(end + 1) }
}

function keyOf(secret: Uint8Array): MessageKey {
  const key = new MessageKey(deriveKey(secret, 'strongroom KMS material secret'))
  secret.fill(0)
  return key
}

const MARK = '3:'
const ID_LENGTH = 32
