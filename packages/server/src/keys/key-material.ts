/** Key material: made, wrapped (wrapped-material.ts), opened again and used. */
import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { MessageKey } from '@strongroom/crypto/node'
import { Fault } from '../core/fault.ts'
import { addedCounts, type CacheCounts, Recent } from '../core/recent.ts'
import type { StoreKey } from '../root-key/store-key.ts'
import { generatePair, type KeyPair, readPair } from './asymmetric-material.ts'
import { encryptBlob } from './ciphertext.ts'
import { arnIn } from './key-regions.ts'
import { type MaterialFacts, materialOf, type PairFacts } from './key-specs.ts'
import { GONE, type KmsKey } from './kms-records.ts'
import type { MaterialSecrets } from './material-secrets.ts'
import { type FreshSecret, lacksSecret, MaterialWrapping } from './wrapped-material.ts'

export type EncryptionContext = Readonly<Record<string, string>>

export class KeyMaterial {
  readonly #wrapping: MaterialWrapping
  /** Opened material by its wrapped form. */
  readonly #opened = new Recent<MessageKey>(MOST_OPENED)
  /** The same of HMAC keys. */
  readonly #macKeys = new Recent<KeyObject>(MOST_OPENED)
  /** And of asymmetric ones. */
  readonly #pairs = new Recent<KeyPair>(MOST_OPENED)

  constructor(storeKey: StoreKey, secrets: MaterialSecrets) {
    this.#wrapping = new MaterialWrapping(storeKey.derive('KMS key material'), secrets)
  }

  /** Of opened material of all kinds. */
  get cacheCounts(): CacheCounts {
    return addedCounts([this.#opened, this.#macKeys, this.#pairs])
  }

  /**
   * A new key's material in its wrapped form. Throws KmsUnsupported as `generatePair`. To be committed as soon as it is
   * made, so that it is of the version of the store key that seals then.
   */
  async make(key: Bound & Pick<KmsKey, 'keySpec'>): Promise<string> {
    const secret = await this.freshSecret()
    return this.wrap(key, 1, await newMaterial(materialOf(key)), secret)
  }

  /** The next version of a secret, likewise. */
  async renew(key: KmsKey): Promise<string> {
    const secret = await this.freshSecret()
    return this.wrap(key, key.material.length + 1, newSecret(materialOf(key)), secret)
  }

  /** For one `wrap`. */
  freshSecret(): Promise<FreshSecret> {
    return this.#wrapping.freshSecret()
  }

  /** Material in its wrapped form. Material and secret are wiped. */
  wrap(key: Bound, version: number, material: Uint8Array, secret: FreshSecret): string {
    const wrapped = this.#wrapping.wrap(material, materialContext(key, version), secret)
    material.fill(0)
    return wrapped
  }

  /** The key with a deletable secret for each of its versions; the same key where it has them, as all of today have. */
  async secured(key: KmsKey): Promise<KmsKey> {
    if (!key.material.some(lacksSecret)) return key
    const material: string[] = []
    for (const [i, wrapped] of key.material.entries()) {
      const version = i + 1
      if (!lacksSecret(wrapped)) material.push(wrapped)
      else {
        const secret = await this.freshSecret()
        material.push(this.wrap(key, version, this.#wrapping.unwrap(wrapped, materialContext(key, version)), secret))
      }
    }
    return { ...key, material }
  }

  /** Throws what keeps any of the key's material from being opened. */
  verify(key: KmsKey): void {
    for (const [i, wrapped] of key.material.entries()) {
      if (wrapped !== GONE) this.#wrapping.unwrap(wrapped, materialContext(key, i + 1)).fill(0)
    }
  }

  /**
   * The key with all its material wrapped by the version of the store key that seals now; the same key where it is so. Every
   * place of a record that holds wrapped material must be here: what is left out goes with the old version.
   */
  rewrapped(key: KmsKey): KmsKey {
    const anew = (wrapped: string, version: number) =>
      wrapped === GONE ? GONE : this.#wrapping.rewrap(wrapped, materialContext(key, version))
    const material = key.material.map((wrapped, i) => anew(wrapped, i + 1))
    const pending = key.imported?.pending
    // It is wrapped as the version that it is going to be.
    const pendingAnew = pending && anew(pending.wrapped, key.material.length + 1)
    const isSame = material.every((wrapped, i) => wrapped === key.material[i]) && pendingAnew === pending?.wrapped
    if (isSame) return key
    if (!key.imported || !pending || pendingAnew === undefined) return { ...key, material }
    return { ...key, material, imported: { ...key.imported, pending: { ...pending, wrapped: pendingAnew } } }
  }

  /** Seals under the newest material of a key. */
  encrypt(key: KmsKey, plaintext: Uint8Array, context: EncryptionContext): Uint8Array {
    const materialVersion = key.material.length
    return encryptBlob(this.open(key, materialVersion), { keyArn: key.arn, materialVersion }, plaintext, context)
  }

  /** Throws Fault KmsCiphertextInvalid where the key has no such version. */
  open(key: KmsKey, version: number): MessageKey {
    return this.#remembered(this.#opened, key, version, toMessageKey)
  }

  /** By the only material that an HMAC key has. `hash`: its name for node:crypto. */
  mac(key: KmsKey, hash: string, message: Uint8Array): Uint8Array {
    return createHmac(hash, this.#remembered(this.#macKeys, key, 1, createSecretKey))
      .update(message)
      .digest()
  }

  /** The only material that an asymmetric key has. Throws KmsUnsupported as `readPair`. */
  pair(key: KmsKey): KeyPair {
    return this.#remembered(this.#pairs, key, 1, (material) => readPair(material, materialOf(key) as PairFacts))
  }

  #remembered<K>(known: Recent<K>, key: KmsKey, version: number, toKey: (material: Uint8Array) => K): K {
    const wrapped = key.material[version - 1]
    if (!wrapped) throw new Fault('KmsCiphertextInvalid', {})
    let opened = known.get(wrapped)
    if (!opened) {
      const material = this.#wrapping.unwrap(wrapped, materialContext(key, version))
      try {
        opened = toKey(material)
      } finally {
        material.fill(0)
      }
      known.set(wrapped, opened)
    }
    return opened
  }
}

async function newMaterial(facts: MaterialFacts): Promise<Uint8Array> {
  return facts.kind === 'pair' ? (await generatePair(facts)).privateKey : newSecret(facts)
}

function newSecret(facts: MaterialFacts): Uint8Array {
  if (facts.kind === 'pair') throw new Error('key pairs are never renewed')
  return randomBytes(facts.bytes)
}

const toMessageKey = (material: Uint8Array) => new MessageKey(material)

/** 64 hex digits that name one version of a key's material, and tell nothing of it. */
export function materialId(key: KmsKey, version: number): string {
  const imported = key.imported?.versions[version - 1]
  if (imported) return imported.id
  return createHash('sha256').update(materialContext(key, version)).digest('hex')
}

/** Keys of a multi-Region set have their material in common, and its wraps, so those are of no region. */
function materialContext({ arn, multiRegion }: Bound, version: number): Uint8Array {
  return Buffer.from(`${multiRegion ? arnIn('', arn) : arn} material ${version}`)
}

/** What material is bound to. */
type Bound = Pick<KmsKey, 'arn' | 'multiRegion'>
const MOST_OPENED = 10_000
