/**
 * Which of a bucket's CORS rules a request fits, and what its reply then tells browsers (AWS S3 user guide, "How Amazon S3
 * evaluates the CORS configuration on a bucket"; Fetch standard, "HTTP CORS protocol"). Pure.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { CorsRule } from '../objects/records.ts'

export const CORS_METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'])

/** What a page of an origin wants to do. */
export interface CorsQuestion {
  readonly origin: string
  readonly method: string
  /** Names of headers, in lower case, in the order in which they were asked for. */
  readonly headers: readonly string[]
}

/** A preflight, or a request that may be a page's. */
export interface CorsRequest {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/** The headers of the first rule that fits; undefined where none does, or no browser asks. */
export function corsHeaders(
  rules: readonly CorsRule[] | undefined,
  request: CorsRequest,
): Readonly<Record<string, string | undefined>> | undefined {
  if (!rules) return undefined
  const question = readQuestion(request)
  const rule = question && rules.find((candidate) => fits(candidate, question))
  return rule && headersOf(rule, question)
}

/** Undefined where no origin is named. S3 goes by the names of a preflight in any request that has them. */
export function readQuestion({ method = '', headers }: CorsRequest): CorsQuestion | undefined {
  if (!headers.origin) return undefined
  const names = (headers['access-control-request-headers'] ?? '').split(',').map((name) => name.trim().toLowerCase())
  return {
    origin: headers.origin,
    method: headers['access-control-request-method'] ?? method,
    headers: names.filter((name) => name !== ''),
  }
}

/** Origins are compared to the letter, names of headers without regard to case. */
export function fits(rule: CorsRule, { origin, method, headers }: CorsQuestion): boolean {
  if (!rule.allowedMethods.includes(method)) return false
  if (!rule.allowedOrigins.some((pattern) => matches(pattern, origin))) return false
  if (headers.length === 0) return true
  if (headers.length > MOST_HEADERS) return false
  const patterns = rule.allowedHeaders.map((pattern) => pattern.toLowerCase())
  return headers.every((name) => patterns.some((pattern) => matches(pattern, name)))
}

/** A rule that allows every origin says so, and then browsers may not send credentials. */
function headersOf(rule: CorsRule, { origin, headers }: CorsQuestion): Readonly<Record<string, string | undefined>> {
  const anyOrigin = rule.allowedOrigins.includes('*')
  return {
    'access-control-allow-origin': anyOrigin ? '*' : origin,
    'access-control-allow-methods': list(rule.allowedMethods),
    'access-control-allow-headers': list(headers),
    'access-control-expose-headers': list(rule.exposeHeaders),
    'access-control-max-age': rule.maxAgeSeconds?.toString(),
    'access-control-allow-credentials': anyOrigin ? undefined : 'true',
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  }
}

/** `*`, of which a pattern has at most one, stands for any characters or for none. */
function matches(pattern: string, value: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === value
  if (value.length < pattern.length - 1) return false
  return value.startsWith(pattern.slice(0, star)) && value.endsWith(pattern.slice(star + 1))
}

const list = (values: readonly string[]) => (values.length === 0 ? undefined : values.join(', '))

/** Far more than a page sends, and few enough to hold against every pattern that a bucket can have. */
const MOST_HEADERS = 200
