/** Reads expressions of metric math (CloudWatch user guide, "Metric math syntax and functions") into trees. */

export type Expression =
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  /** Another query's result. */
  | { readonly type: 'id'; readonly id: string }
  /** A word in capitals that is no call, e.g. REPEAT. */
  | { readonly type: 'word'; readonly word: string }
  | { readonly type: 'array'; readonly items: readonly Expression[] }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly type: 'negate'; readonly of: Expression }
  | { readonly type: 'binary'; readonly operator: Operator; readonly left: Expression; readonly right: Expression }

export type Operator = '+' | '-' | '*' | '/' | '^' | '==' | '!=' | '<' | '>' | '<=' | '>=' | 'AND' | 'OR'

/** An expression that cannot be read or worked out; the message says why, for the caller. */
export class MathError extends Error {
  override readonly name = 'MathError'
}

/** Throws MathError. */
export function parseExpression(text: string): Expression {
  if (text.length > MAX_CHARACTERS) throw new MathError(`The expression is longer than ${MAX_CHARACTERS} characters`)
  return new Parser(tokensOf(text)).whole()
}

interface Token {
  readonly kind: 'number' | 'string' | 'id' | 'word' | 'symbol' | 'end'
  readonly text: string
  readonly at: number
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const next = new RegExp(TOKEN, 'y')
  while (next.lastIndex < text.length) {
    const at = next.lastIndex
    const match = next.exec(text)
    if (!match) throw new MathError(`Syntax error at character ${at + 1}`)
    const { space, number, string, id, word, symbol } = match.groups!
    if (space !== undefined) continue
    if (number !== undefined) tokens.push({ kind: 'number', text: number, at })
    else if (string !== undefined) tokens.push({ kind: 'string', text: string.slice(1, -1), at })
    else if (id !== undefined) tokens.push({ kind: 'id', text: id, at })
    else if (word !== undefined) tokens.push(wordToken(word, at))
    else tokens.push({ kind: 'symbol', text: SYNONYMS[symbol!] ?? symbol!, at })
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }]
}

const wordToken = (word: string, at: number): Token =>
  word === 'AND' || word === 'OR' ? { kind: 'symbol', text: word, at } : { kind: 'word', text: word, at }

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Expression {
    const expression = this.#binary(0)
    if (this.#token.kind !== 'end') this.#unexpected()
    return expression
  }

  /** `level`: the row of operators that bind least here. */
  #binary(level: number): Expression {
    const operators = LEVELS[level]
    if (!operators) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const operator = operators.find((one) => this.#take(one))
      if (!operator) return left
      left = { type: 'binary', operator, left, right: this.#binary(level + 1) }
    }
  }

  #unary(): Expression {
    if (!this.#take('-')) return this.#power()
    return this.#nested(() => ({ type: 'negate', of: this.#unary() }))
  }

  #power(): Expression {
    const left = this.#primary()
    if (!this.#take('^')) return left
    return this.#nested(() => ({ type: 'binary', operator: '^', left, right: this.#unary() }))
  }

  #primary(): Expression {
    const { kind, text } = this.#token
    if (kind === 'symbol') return this.#bracketed()
    if (kind === 'end') this.#unexpected()
    this.#next++
    if (kind === 'number') return { type: 'number', value: Number(text) }
    if (kind === 'string') return { type: 'string', value: text }
    if (kind === 'id') return { type: 'id', id: text }
    if (!this.#take('(')) return { type: 'word', word: text }
    return this.#nested(() => ({ type: 'call', name: text, args: this.#list(')') }))
  }

  #bracketed(): Expression {
    if (this.#take('[')) return this.#nested(() => ({ type: 'array', items: this.#list(']') }))
    if (!this.#take('(')) this.#unexpected()
    return this.#nested(() => {
      const inner = this.#binary(0)
      if (!this.#take(')')) this.#unexpected()
      return inner
    })
  }

  #list(end: string): Expression[] {
    const items: Expression[] = []
    if (this.#take(end)) return items
    do items.push(this.#binary(0))
    while (this.#take(','))
    if (!this.#take(end)) this.#unexpected()
    return items
  }

  #nested<T>(read: () => T): T {
    this.#depth++
    if (this.#depth > MAX_NESTING) throw new MathError(`The expression is nested deeper than ${MAX_NESTING} levels`)
    const result = read()
    this.#depth--
    return result
  }

  get #token(): Token {
    return this.#tokens[this.#next]!
  }

  #take(symbol: string): boolean {
    if (this.#token.kind !== 'symbol' || this.#token.text !== symbol) return false
    this.#next++
    return true
  }

  #unexpected(): never {
    const { kind, text, at } = this.#token
    throw new MathError(
      kind === 'end' ? 'Unexpected end of the expression' : `Unexpected '${text}' at character ${at + 1}`,
    )
  }
}

/** Operators that bind alike, from those that bind least. */
const LEVELS: readonly (readonly Operator[])[] = [
  ['OR'],
  ['AND'],
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/'],
]
const SYNONYMS: Readonly<Record<string, string>> = { '&&': 'AND', '||': 'OR' }
const TOKEN = [
  /(?<space>\s+)/,
  /(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/,
  /(?<string>"[^"]*"|'[^']*')/,
  /(?<id>[a-z][A-Za-z0-9_]*)/,
  /(?<word>[A-Z][A-Z0-9_]*)/,
  /(?<symbol>&&|\|\||==|!=|<=|>=|[-+*/^<>(),[\]])/,
]
  .map(({ source }) => source)
  .join('|')
const MAX_CHARACTERS = 2048
const MAX_NESTING = 20
