/** GenerateMac and VerifyMac (API reference). */
import { timingSafeEqual } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import { MAC_ALGORITHMS, type MacAlgorithm } from './algorithms.ts'
import type { KeyMaterial } from './key-material.ts'
import { requireAlgorithm } from './key-specs.ts'
import type { UsableKey } from './key-state.ts'

export interface MacRequest {
  readonly keyId: string
  readonly message: Uint8Array
  readonly algorithm: MacAlgorithm
  readonly dryRun: boolean
}

export class KeyMacs {
  readonly #usable: UsableKey
  readonly #material: KeyMaterial

  constructor(usable: UsableKey, material: KeyMaterial) {
    this.#usable = usable
    this.#material = material
  }

  async generate(call: CallContext, request: MacRequest): Promise<{ mac: Uint8Array; keyArn: string }> {
    const made = await this.#make(call, 'kms:GenerateMac', request)
    if (request.dryRun) throw new Fault('KmsDryRun', {})
    return made
  }

  /** Throws KmsMacInvalid where the code is not of this key and message. */
  async verify(call: CallContext, request: MacRequest & { mac: Uint8Array }): Promise<{ keyArn: string }> {
    const { mac, keyArn } = await this.#make(call, 'kms:VerifyMac', request)
    if (mac.length !== request.mac.length || !timingSafeEqual(mac, request.mac)) throw new Fault('KmsMacInvalid', {})
    if (request.dryRun) throw new Fault('KmsDryRun', {})
    return { keyArn }
  }

  async #make(call: CallContext, action: 'kms:GenerateMac' | 'kms:VerifyMac', request: MacRequest) {
    const { keyId, message, algorithm } = request
    const key = await this.#usable(call, keyId, { action, macAlgorithm: algorithm })
    requireAlgorithm(key, algorithm)
    return { mac: this.#material.mac(key, MAC_ALGORITHMS[algorithm], message), keyArn: key.arn }
  }
}
