/**
 * Whether a bucket policy is public (AWS S3 user guide, "The meaning of public"): it is, unless each statement that allows
 * something allows it to fixed principals only, or under conditions that only fixed values fulfil.
 */
import { isIP } from 'node:net'
import type { Policy, Statement } from './document.ts'

export function isPublic(policy: Policy): boolean {
  return policy.statements.some((statement) => statement.effect === 'Allow' && isPublicStatement(statement))
}

function isPublicStatement({ names, conditions }: Statement): boolean {
  return names === 'anybody' && !conditions.some(({ operator, key, values }) => isFixed(operator, key, values))
}

/** Keys of the page's list; only tests that hold for equal values narrow anything. */
const NARROWING = new Set([
  ...['aws:sourcearn', 'aws:sourcevpc', 'aws:sourcevpce', 'aws:sourceowner', 'aws:sourceaccount', 'aws:userid'],
  ...['aws:principalorgid', 'aws:principalorgpaths', 'aws:principalaccount', 'aws:principalarn', 'aws:resourceaccount'],
  ...['s3:dataaccesspointarn', 's3:dataaccesspointaccount', 's3:x-amz-server-side-encryption-aws-kms-key-id'],
])

function isFixed(operator: string, key: string, values: readonly string[]): boolean {
  // With IfExists or ForAllValues a request without the key passes.
  if (/IfExists$|^ForAllValues:/.test(operator)) return false
  const name = operator.replace('ForAnyValue:', '')
  const lowerCaseKey = key.toLowerCase()
  if (lowerCaseKey === 'aws:sourceip') return name === 'IpAddress' && values.every(isNarrowNetwork)
  if (
    !NARROWING.has(lowerCaseKey) ||
    !/^(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)$/.test(name)
  ) {
    return false
  }
  return values.every((value) => isFixedValue(lowerCaseKey, value))
}

/** Without wildcards and variables; a role's id may be followed by any session. */
function isFixedValue(key: string, value: string): boolean {
  const text = key === 'aws:userid' ? value.replace(/^(A[A-Z0-9]{3,}):\*$/, '$1') : value
  return text !== '' && !/[*?]|\$\{/.test(text)
}

/** A network of a /8 or narrower (IPv4), of a /32 or narrower (IPv6), is not the internet. */
function isNarrowNetwork(text: string): boolean {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  if (prefix === undefined) return version !== 0
  return Number(prefix) >= (version === 6 ? 32 : 8)
}
