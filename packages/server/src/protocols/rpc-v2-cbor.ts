/** Smithy's RPC v2 CBOR protocol: the path names service and operation, members are a CBOR map. */
import { Double, readCbor, writeCbor } from './cbor.ts'
import { Input } from './input.ts'
import { queryErrorHeaders } from './query-compatible.ts'
import type { Output, Protocol } from './service-door.ts'
import { ServiceError } from './service-error.ts'

export interface RpcV2CborOptions {
  /** As the path names it, e.g. `GraniteServiceVersion20100801`. */
  readonly service: string
  /** Names of the members that are doubles, also where they are lists of them. */
  readonly doubles: ReadonlySet<string>
}

/** Of a service that is query-compatible. */
export function rpcV2Cbor({ service, doubles }: RpcV2CborOptions): Protocol {
  const path = new RegExp(`^/service/${service}/operation/(\\w+)$`)
  return {
    contentType: 'application/cbor',
    headers: { 'smithy-protocol': 'rpc-v2-cbor' },
    read: ({ request }, body) => ({
      name: path.exec(request.url ?? '')?.[1] ?? '',
      input: new Input(parse(body), 'ValidationException'),
    }),
    render: (_operation, output) => writeCbor(withDoubles(output, doubles)),
    renderError: ({ code, message, members }) => writeCbor({ __type: code, message, ...members }),
    errorHeaders: queryErrorHeaders,
    refusals: {
      missing: ['MissingAuthenticationTokenException', 403],
      unknown: ['UnrecognizedClientException', 403],
      expired: ['ExpiredTokenException', 403],
      mismatch: ['InvalidSignatureException', 403],
      incomplete: ['IncompleteSignatureException', 400],
    },
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value = bytes.length === 0 ? {} : readCbor(bytes)
    const isMap = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
    if (isMap) return value as Record<string, unknown>
  } catch {
    // Falls through to the one answer for whatever is not a CBOR map.
  }
  throw new ServiceError('SerializationException', 'The request body is not a CBOR map.')
}

function withDoubles(value: unknown, doubles: ReadonlySet<string>, name = ''): unknown {
  if (typeof value === 'number') return doubles.has(name) ? new Double(value) : value
  if (Array.isArray(value)) return value.map((one) => withDoubles(one, doubles, name))
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, one]) => [key, withDoubles(one, doubles, name)]))
  }
  return Object.fromEntries(Object.entries(value as Output).map(([key, one]) => [key, withDoubles(one, doubles, key)]))
}
