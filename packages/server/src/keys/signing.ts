/** Sign and Verify (API reference). */
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { KeyMaterial } from './key-material.ts'
import { requireAlgorithm } from './key-specs.ts'
import type { UsableKey } from './key-state.ts'
import type { KmsKey } from './kms-records.ts'
import { isSignature, makeSignature, requireSignable, type Signed } from './signatures.ts'

export interface SignRequest extends Signed {
  readonly keyId: string
  readonly dryRun: boolean
}

export class KeySigning {
  readonly #usable: UsableKey
  readonly #material: KeyMaterial

  constructor(usable: UsableKey, material: KeyMaterial) {
    this.#usable = usable
    this.#material = material
  }

  async sign(call: CallContext, request: SignRequest): Promise<{ signature: Uint8Array; keyArn: string }> {
    const key = await this.#key(call, 'kms:Sign', request)
    if (request.dryRun) throw new Fault('KmsDryRun', {})
    return { signature: await makeSignature(this.#material.pair(key).privateKey, request), keyArn: key.arn }
  }

  /** Throws KmsSignatureInvalid where the signature is not of this key and message. */
  async verify(call: CallContext, request: SignRequest & { signature: Uint8Array }): Promise<{ keyArn: string }> {
    const key = await this.#key(call, 'kms:Verify', request)
    const isValid = await isSignature(this.#material.pair(key).publicKey, request, request.signature)
    if (!isValid) throw new Fault('KmsSignatureInvalid', {})
    if (request.dryRun) throw new Fault('KmsDryRun', {})
    return { keyArn: key.arn }
  }

  async #key(call: CallContext, action: 'kms:Sign' | 'kms:Verify', request: SignRequest): Promise<KmsKey> {
    const { keyId, algorithm, messageType } = request
    const key = await this.#usable(call, keyId, { action, signingAlgorithm: algorithm, messageType })
    requireAlgorithm(key, algorithm)
    requireSignable(request)
    return key
  }
}
