/**
 * Patterns of policies: `*` stands for any characters, `?` for one, `${key}` for a value of the request
 * (IAM user guide, "IAM policy elements: Variables and tags"). Matching never backtracks more than one star at a time,
 * so no pattern takes longer than the product of the lengths.
 */
import type { RequestContext } from './request.ts'

type Token =
  | { readonly literal: string }
  | { readonly variable: string; readonly otherwise: string | undefined }
  | '*'
  | '?'

export class Pattern {
  readonly source: string
  readonly #tokens: readonly Token[]
  readonly #isAny: boolean
  readonly #exact: string | undefined
  /** Set where all that is special is one star at the end. */
  readonly #prefix: string | undefined

  /** `variables`: false in documents of version 2008-10-17, where `${` is text. */
  constructor(source: string, options: { readonly variables: boolean; readonly wildcards: boolean }) {
    this.source = source
    this.#tokens = tokenise(source, options)
    const [first, second] = this.#tokens
    this.#isAny = this.#tokens.length === 1 && first === '*'
    this.#exact = this.#tokens.length === 0 ? '' : this.#tokens.length === 1 ? literalOf(first) : undefined
    this.#prefix = this.#tokens.length === 2 && second === '*' ? literalOf(first) : undefined
  }

  /** False where a variable has no value. */
  matches(value: string, context: RequestContext): boolean {
    if (this.#isAny) return true
    if (this.#exact !== undefined) return value === this.#exact
    if (this.#prefix !== undefined) return value.startsWith(this.#prefix)
    const resolved = resolve(this.#tokens, context)
    return resolved !== undefined && matchTokens(resolved, value)
  }

  /** The text with its variables filled in, wildcards as they stand; undefined where one has no value. */
  resolve(context: RequestContext): string | undefined {
    const resolved = resolve(this.#tokens, context)
    return resolved?.map((token) => (typeof token === 'string' ? token : token.literal)).join('')
  }
}

function tokenise(source: string, { variables, wildcards }: { variables: boolean; wildcards: boolean }): Token[] {
  const tokens: Token[] = []
  let literal = ''
  const flush = () => {
    if (literal !== '') tokens.push({ literal })
    literal = ''
  }
  for (let at = 0; at < source.length; ) {
    const end = variables && source.startsWith('${', at) ? source.indexOf('}', at) : -1
    if (end > 0) {
      const inner = source.slice(at + 2, end)
      if (inner === '*' || inner === '?' || inner === '$') literal += inner
      else {
        flush()
        tokens.push(variableOf(inner))
      }
      at = end + 1
      continue
    }
    const character = source[at++]!
    if (wildcards && (character === '*' || character === '?')) {
      flush()
      if (!(character === '*' && tokens.at(-1) === '*')) tokens.push(character)
    } else literal += character
  }
  flush()
  return tokens
}

/** `key`, or `key, 'otherwise'`; anything else names a variable that no request has. */
function variableOf(inner: string): Token {
  const comma = inner.indexOf(',')
  if (comma < 0) return { variable: inner.trim().toLowerCase(), otherwise: undefined }
  const otherwise = /^'([^']*)'$/.exec(inner.slice(comma + 1).trim())?.[1]
  const key = otherwise === undefined ? inner : inner.slice(0, comma).trim()
  return { variable: key.toLowerCase(), otherwise }
}

type Resolved = { readonly literal: string } | '*' | '?'

function resolve(tokens: readonly Token[], context: RequestContext): Resolved[] | undefined {
  const out: Resolved[] = []
  for (const token of tokens) {
    if (typeof token === 'object' && 'variable' in token) {
      const values = context.get(token.variable)
      // A variable takes the place of one value; a key with several has no one value.
      const value = values?.length === 1 ? values[0] : token.otherwise
      if (value === undefined) return undefined
      out.push({ literal: value })
    } else out.push(token)
  }
  return out
}

function matchTokens(tokens: readonly Resolved[], value: string): boolean {
  let at = 0
  let token = 0
  let starToken = -1
  let starAt = 0
  for (;;) {
    const current = tokens[token]
    if (current === '*') {
      starToken = token++
      starAt = at
      continue
    }
    if (current === undefined) {
      if (at === value.length) return true
    } else if (current === '?') {
      if (at < value.length) {
        at += characterLength(value, at)
        token++
        continue
      }
    } else if (value.startsWith(current.literal, at)) {
      at += current.literal.length
      token++
      continue
    }
    // The last star takes one character more.
    if (starToken < 0 || starAt >= value.length) return false
    starAt++
    at = starAt
    token = starToken + 1
  }
}

const characterLength = (value: string, at: number) => (value.codePointAt(at)! > 0xffff ? 2 : 1)
const literalOf = (token: Token | undefined) =>
  typeof token === 'object' && 'literal' in token ? token.literal : undefined
