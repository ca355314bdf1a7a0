/** AWS's JSON protocols (Smithy, "AWS JSON 1.1 protocol"): the operation in X-Amz-Target, members in a JSON object. */
import { parseJson } from '../core/json.ts'
import { Input } from './input.ts'
import type { Protocol } from './service-door.ts'
import { ServiceError } from './service-error.ts'

/** `targetPrefixes`: e.g. `TrentService.`; a service that was renamed has several. */
export function awsJson(...targetPrefixes: readonly string[]): Protocol {
  return {
    contentType: 'application/x-amz-json-1.1',
    read({ request }, body) {
      const target = String(request.headers['x-amz-target'] ?? '')
      const prefix = targetPrefixes.find((one) => target.startsWith(one))
      const name = prefix === undefined ? '' : target.slice(prefix.length)
      return { name, input: new Input(parse(body), 'ValidationException') }
    },
    render: (_operation, output) => JSON.stringify(output, withSeconds),
    renderError: ({ code, message, members }) => JSON.stringify({ __type: code, message, ...members }),
    refusals: {
      missing: ['MissingAuthenticationTokenException', 400],
      unknown: ['UnrecognizedClientException', 400],
      expired: ['ExpiredTokenException', 400],
      mismatch: ['InvalidSignatureException', 400],
      incomplete: ['IncompleteSignatureException', 400],
    },
  }
}

/** Times are seconds since the epoch, maps are objects. `value` is a text already where the member is a Date. */
function withSeconds(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const member = this[name]
  if (member instanceof Date) return member.getTime() / 1000
  return member instanceof Map ? Object.fromEntries(member) : value
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = bytes.length === 0 ? {} : parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Falls through to the one answer for whatever is not a JSON object.
  }
  throw new ServiceError('SerializationException', 'The request body is not a JSON object.')
}
