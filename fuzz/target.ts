/** What a fuzz target is: a reader of bytes that strangers made, and what must hold whatever they are. */
import type fc from 'fast-check'

export interface Target {
  /** Also that of its folder in the corpus. */
  readonly name: string
  /** Texts to which the format gives a meaning, and those that JavaScript does. */
  readonly dictionary: readonly (string | Uint8Array)[]
  /** Inputs of sealed or signed bytes, which are made anew at every start; others lie in the corpus. */
  readonly seeds?: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** Inputs made from nothing, where bytes at random would all be refused. */
  readonly made?: fc.Arbitrary<Uint8Array>
  /** Returns for every input, in a time that grows no faster than it. Whatever it throws is a finding. */
  readonly check: (input: Uint8Array) => void | Promise<void>
}

/** What a reader made of its input; `refused` tells the reader's own refusals apart. */
export type Reading<T> = { readonly value: T } | { readonly refused: string }

/** How a refusal is told apart from others of its kind; undefined for what no reader may throw. */
export type Refusals = (error: unknown) => string | undefined

/** Throws what is no refusal. */
export function reading<T>(read: () => T, refusals: Refusals): Reading<T> {
  try {
    return { value: read() }
  } catch (error) {
    return { refused: refusalOf(error, refusals) }
  }
}

/** As {@link reading}, for readers that return promises. */
export async function readingOf<T>(read: () => Promise<T>, refusals: Refusals): Promise<Reading<T>> {
  try {
    return { value: await read() }
  } catch (error) {
    return { refused: refusalOf(error, refusals) }
  }
}

function refusalOf(error: unknown, refusals: Refusals): string {
  const refused = refusals(error)
  if (refused === undefined) throw error
  return refused
}

/** Refusals that are errors of one class, told apart by their code where they have one. */
export const errorsOf =
  (...kinds: readonly (abstract new (...args: never[]) => Error)[]): Refusals =>
  (error) => {
    if (!kinds.some((kind) => error instanceof kind)) return undefined
    // What a server answers with 5xx is its own failure, and no refusal.
    if ((error as { readonly status?: number }).status! >= 500) return undefined
    return String((error as { readonly code?: string }).code ?? (error as Error).name)
  }

/** What JSON is made of, as far as all its readers have it. */
export const JSON_MARKS = ['{', '}', '[', ']', ',', ':', '"'] as const

/** Names that every JavaScript object has, which no table of names may answer to. */
export const INHERITED = ['constructor', '__proto__', 'toString', 'valueOf', 'hasOwnProperty']

/** Words of a binary format, one character a byte. */
export const binary = (...words: readonly string[]): readonly Uint8Array[] =>
  words.map((word) => Buffer.from(word, 'latin1'))
