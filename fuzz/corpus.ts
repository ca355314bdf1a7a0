/** The corpus: a folder for each target, a small file for each input. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './target.ts'

export interface CorpusEntry {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Those of the target's folder, then those that the target makes. */
export async function corpusOf(folder: string, target: Target): Promise<readonly CorpusEntry[]> {
  const path = join(folder, target.name)
  const files = existsSync(path) ? readdirSync(path).sort() : []
  const seeds = (await target.seeds?.()) ?? []
  return [
    ...files.map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(path, name))) })),
    ...seeds.map((bytes, index) => ({ name: `seed ${index}`, bytes })),
  ]
}

/** Writes down what was found, and returns where. */
export function keepFinding(folder: string, target: string, input: Uint8Array): string {
  const path = join(folder, target, `found-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`)
  mkdirSync(join(folder, target), { recursive: true })
  writeFileSync(path, input)
  return path
}
