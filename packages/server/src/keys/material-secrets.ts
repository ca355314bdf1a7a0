/**
 * Deletable secrets, one for each version of a key's material: 32 random bytes in a file of their own, without which what is
 * wrapped by them does not open. Databases and disks keep traces of what was deleted; to overwrite and remove this one
 * small file is what makes a key's material go (crypto-shredding; see docs/threat-model.md for what may remain even so).
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeFileDurably } from '../core/durable-file.ts'
import { Fault } from '../core/fault.ts'

export interface MaterialSecrets {
  /** A new secret, durable before it is given. `id`: 32 hex digits. */
  make(): Promise<{ readonly id: string; readonly secret: Uint8Array }>
  /** Throws Fault Damaged where there is none. Whoever gets it wipes it. */
  read(id: string): Uint8Array
  /** Overwrites it and removes it, durably; nothing where it is gone already. */
  destroy(id: string): Promise<void>
  /** The ids of all that there are. */
  list(): AsyncIterable<string>
}

const SECRET_BYTES = 32

export class MaterialSecretFiles implements MaterialSecrets {
  readonly #dir: string
  /** Folders that are known to be there; a file's own durability needs its folder's. */
  readonly #made = new Set<string>()

  constructor(dir: string) {
    this.#dir = dir
  }

  async make(): Promise<{ id: string; secret: Uint8Array }> {
    const id = randomBytes(16).toString('hex')
    const secret = randomBytes(SECRET_BYTES)
    await this.put(id, secret)
    return { id, secret }
  }

  /** One of a backup. */
  async put(id: string, secret: Uint8Array): Promise<void> {
    await this.#folderOf(id)
    await writeFileDurably(this.#pathOf(id), secret, 0o600)
  }

  read(id: string): Uint8Array {
    let secret: Uint8Array
    try {
      // Read once for each process and key; the file is smaller than a block.
      secret = readFileSync(this.#pathOf(id))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw new Fault('Damaged', { what: `material secret ${id}` }, { cause: error })
    }
    if (secret.length !== SECRET_BYTES) throw new Fault('Damaged', { what: `material secret ${id}` })
    return secret
  }

  async destroy(id: string): Promise<void> {
    const path = this.#pathOf(id)
    try {
      const file = await open(path, 'r+')
      try {
        await file.write(randomBytes(SECRET_BYTES), 0, SECRET_BYTES, 0)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return
    }
    await rm(path, { force: true })
    await syncFolder(join(this.#dir, folderName(id)))
  }

  async *list(): AsyncIterable<string> {
    for (const folder of await namesIn(this.#dir)) {
      for (const name of await namesIn(join(this.#dir, folder))) if (MATERIAL_SECRET_ID.test(name)) yield name
    }
  }

  async #folderOf(id: string): Promise<void> {
    const folder = folderName(id)
    if (this.#made.has(folder)) return
    await mkdir(join(this.#dir, folder), { recursive: true, mode: 0o700 })
    await syncFolder(this.#dir)
    this.#made.add(folder)
  }

  #pathOf(id: string): string {
    return join(this.#dir, folderName(id), id)
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const folderName = (id: string) => id.slice(0, 2)
export const MATERIAL_SECRET_ID = /^[0-9a-f]{32}$/
