/** From a request's method, target and query to the one operation that it is; pure. */
import { S3Error } from './errors.ts'
import { notImplemented } from './not-implemented.ts'
import type { Operation } from './operation.ts'

export interface RoutedRequest {
  readonly method: string
  readonly target: Operation['target']
  readonly query: ReadonlyMap<string, string>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export class Router {
  /** The most particular rows first, so that a sub-resource never falls through to the plain operation. */
  readonly #rows: readonly Operation[]

  constructor(operations: readonly Operation[]) {
    const particularity = (row: Operation) => Object.keys(row.query ?? {}).length * 2 + (row.header ? 1 : 0)
    this.#rows = [...operations].sort((a, b) => particularity(b) - particularity(a))
  }

  find(request: RoutedRequest): Operation | undefined {
    return this.#rows.find((candidate) => candidate.method === request.method && fits(candidate, request))
  }
}

/** Throws S3Error MethodNotAllowed where no row was found, or NotImplemented naming the operation. */
export function requireRunnable(row: Operation | undefined, request: RoutedRequest): Operation {
  if (!row) {
    throw new S3Error('MethodNotAllowed', {
      fields: { Method: request.method, ResourceType: RESOURCE_TYPES[request.target] },
    })
  }
  if (!row.run) throw notImplemented(row.name)
  return row
}

function fits(row: Operation, request: RoutedRequest): boolean {
  if (row.target !== request.target) return false
  if (row.header !== undefined && request.headers[row.header] === undefined) return false
  return Object.entries(row.query ?? {}).every(([name, value]) => {
    const given = request.query.get(name)
    return given !== undefined && (value === undefined || given === value)
  })
}

const RESOURCE_TYPES = { service: 'SERVICE', bucket: 'BUCKET', object: 'OBJECT', resource: 'RESOURCE' } as const
