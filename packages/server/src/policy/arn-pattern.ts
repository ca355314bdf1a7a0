/** ARNs in policies: six parts, each matched on its own, so that a star never reaches over a colon of the first five. */
import { Pattern } from './pattern.ts'
import type { RequestContext } from './request.ts'

const PARTS = 6

export class ArnPattern {
  readonly source: string
  readonly #parts: readonly Pattern[] | undefined

  constructor(source: string, options: { readonly variables: boolean }) {
    this.source = source
    const patterns = { variables: options.variables, wildcards: true }
    // A star alone is every resource.
    this.#parts = source === '*' ? undefined : splitArn(source).map((part) => new Pattern(part, patterns))
  }

  matches(arn: string, context: RequestContext): boolean {
    return this.matchesParts(splitArn(arn), context)
  }

  /** As `matches`, for an ARN that many patterns are tried on. */
  matchesParts(parts: readonly string[], context: RequestContext): boolean {
    const patterns = this.#parts
    if (!patterns) return true
    if (parts.length !== patterns.length) return false
    // The last part is the one that tells resources apart.
    for (let i = parts.length - 1; i >= 0; i--) if (!patterns[i]!.matches(parts[i]!, context)) return false
    return true
  }
}

/** The sixth part keeps its colons; a colon within `${…}` divides nothing. */
export function splitArn(arn: string): string[] {
  const parts: string[] = []
  let from = 0
  for (let at = 0; at < arn.length && parts.length < PARTS - 1; at++) {
    if (arn.startsWith('${', at)) at = Math.max(at, arn.indexOf('}', at))
    else if (arn[at] === ':') {
      parts.push(arn.slice(from, at))
      from = at + 1
    }
  }
  return [...parts, arn.slice(from)]
}
