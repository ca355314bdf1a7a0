/** Material secrets on memory, for rooms that keep nothing on disk. */
import { randomBytes } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import type { MaterialSecrets } from './material-secrets.ts'

export class MemoryMaterialSecrets implements MaterialSecrets {
  readonly #secrets = new Map<string, Uint8Array>()

  async make(): Promise<{ id: string; secret: Uint8Array }> {
    const id = randomBytes(16).toString('hex')
    const secret = randomBytes(32)
    this.#secrets.set(id, Uint8Array.from(secret))
    return { id, secret }
  }

  read(id: string): Uint8Array {
    const secret = this.#secrets.get(id)
    if (!secret) throw new Fault('Damaged', { what: `material secret ${id}` })
    return Uint8Array.from(secret)
  }

  async destroy(id: string): Promise<void> {
    this.#secrets.delete(id)
  }

  async *list(): AsyncIterable<string> {
    yield* this.#secrets.keys()
  }
}
