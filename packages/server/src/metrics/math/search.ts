/**
 * Search expressions (CloudWatch user guide, "CloudWatch search expression syntax"): which metrics a text such as
 * `{AWS/S3,BucketName,FilterId} MetricName="4xxErrors" NOT test` finds.
 */
import type { MetricFilter, MetricIdentity } from '../metric-data.ts'
import { MathError } from './parse.ts'

export interface Search {
  /** Whatever it finds passes this, but not the reverse. */
  readonly filter: MetricFilter
  finds(metric: MetricIdentity): boolean
}

/** Throws MathError. */
export function parseSearch(text: string): Search {
  if (text.length > MAX_CHARACTERS) throw wrong(`it is longer than ${MAX_CHARACTERS} characters`)
  const [, schemaText, rest = ''] = /^\s*(?:\{([^}]*)\}\s*,?)?(.*)$/s.exec(text)!
  const schema = schemaText === undefined ? undefined : readSchema(schemaText)
  const term = rest.trim() === '' ? undefined : new TermParser(tokensOf(rest)).whole()
  if (!schema && !term) throw wrong('it is empty')
  return {
    filter: schema ? { namespace: schema.namespace, dimensions: schema.names.map((name) => ({ name })) } : {},
    finds: (metric) => (!schema || fitsSchema(schema, metric)) && (!term || term(metric)),
  }
}

type Finds = (metric: MetricIdentity) => boolean

interface Schema {
  readonly namespace: string
  readonly names: readonly string[]
}

function readSchema(text: string): Schema {
  const [namespace, ...names] = text.split(',').map((part) => part.trim().replace(/^"(.*)"$/, '$1'))
  if (!namespace || names.includes('')) throw wrong('a name in its schema is empty')
  return { namespace, names }
}

/** With dimensions, the metric has these and no others. */
const fitsSchema = ({ namespace, names }: Schema, metric: MetricIdentity) =>
  metric.namespace === namespace &&
  (names.length === 0 ||
    (metric.dimensions.length === names.length && metric.dimensions.every(({ name }) => names.includes(name))))

interface Token {
  readonly kind: 'word' | 'exact' | '(' | ')' | '='
  readonly text: string
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const next = new RegExp(TOKEN, 'sy')
  while (next.lastIndex < text.length) {
    const match = next.exec(text)
    if (!match) throw wrong('a quotation mark is missing')
    const { space, exact, word, symbol } = match.groups!
    if (space !== undefined) continue
    if (exact !== undefined) tokens.push({ kind: 'exact', text: exact.slice(1, -1).replace(/\\(.)/g, '$1') })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else tokens.push({ kind: symbol as Token['kind'], text: symbol! })
  }
  return tokens
}

class TermParser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Finds {
    const term = this.#or()
    if (this.#next < this.#tokens.length) throw wrong(`'${this.#tokens[this.#next]!.text}' is not expected there`)
    return term
  }

  #or(): Finds {
    const terms = [this.#and()]
    while (this.#takeWord('OR')) terms.push(this.#and())
    return (metric) => terms.some((term) => term(metric))
  }

  /** Terms beside each other are as with AND. */
  #and(): Finds {
    const terms = [this.#not()]
    while (this.#takeWord('AND') || this.#isTermNext()) terms.push(this.#not())
    return (metric) => terms.every((term) => term(metric))
  }

  #not(): Finds {
    let negated = false
    while (this.#takeWord('NOT')) negated = !negated
    const term = this.#term()
    return (metric) => term(metric) !== negated
  }

  #term(): Finds {
    if (this.#take('(')) return this.#bracketed()
    const first = this.#value()
    if (!this.#take('=')) return (metric) => namesOf(metric).some((name) => fits(first, name))
    const value = this.#value()
    return (metric) => propertyOf(metric, first.text).some((name) => fits(value, name))
  }

  #bracketed(): Finds {
    if (++this.#depth > MAX_NESTING) throw wrong(`it is nested deeper than ${MAX_NESTING} levels`)
    const inner = this.#or()
    if (!this.#take(')')) throw wrong('a closing bracket is missing')
    this.#depth--
    return inner
  }

  #value(): Token {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'word' && token?.kind !== 'exact') throw wrong('a term is missing')
    this.#next++
    return token
  }

  #isTermNext(): boolean {
    const token = this.#tokens[this.#next]
    return (
      token !== undefined && token.kind !== ')' && token.kind !== '=' && !(token.kind === 'word' && token.text === 'OR')
    )
  }

  #take(kind: Token['kind']): boolean {
    if (this.#tokens[this.#next]?.kind !== kind) return false
    this.#next++
    return true
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#next]
    if (token?.kind !== 'word' || token.text !== word) return false
    this.#next++
    return true
  }
}

const namesOf = ({ namespace, name, dimensions }: MetricIdentity) => [
  ...[namespace, name],
  ...dimensions.flatMap((dimension) => [dimension.name, dimension.value]),
]

function propertyOf({ namespace, name, dimensions }: MetricIdentity, property: string): string[] {
  if (property === 'MetricName') return [name]
  if (property === 'Namespace') return [namespace]
  return dimensions.flatMap((dimension) => (dimension.name === property ? [dimension.value] : []))
}

function fits({ kind, text }: Token, name: string): boolean {
  if (kind === 'exact') return name === text
  const wanted = partsOf(text)
  const parts = partsOf(name)
  if (wanted.length === 0) return false
  if (lower(wanted.map(({ text: part }) => part).join('')) === lower(parts.map(({ text: part }) => part).join('')))
    return true
  return parts.some((_, from) =>
    wanted.every(({ text: part, alone }, i) => {
      const found = parts[from + i]?.text
      return found !== undefined && (alone ? lower(found) === lower(part) : found === part)
    }),
  )
}

/**
 * What a name falls into: words by their capitals and digits. `alone`: nothing but other characters stand beside it; only
 * of those the case does not matter, so that `Count1` finds `CustomCount1` and `count1` does not.
 */
const partsOf = (text: string): { readonly text: string; readonly alone: boolean }[] =>
  text.split(/[^A-Za-z0-9]+/).flatMap((word) => {
    const parts = word.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []
    return parts.map((part) => ({ text: part, alone: parts.length === 1 }))
  })

const lower = (text: string) => text.toLowerCase()
const wrong = (why: string) => new MathError(`The search expression cannot be read: ${why}`)

const TOKEN = [/(?<space>[\s,]+)/, /(?<exact>"(?:\\.|[^"\\])*")/, /(?<symbol>[()=])/, /(?<word>[^\s,"()=]+)/]
  .map(({ source }) => source)
  .join('|')
const MAX_CHARACTERS = 1024
const MAX_NESTING = 20
