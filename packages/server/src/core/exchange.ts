import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TlsFacts } from './outcome.ts'
import type { RequestTrace } from './tracing.ts'

/** One HTTP request with its connection's facts, as the sockets floor hands it to a door. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** 16 upper-case characters, AWS's form; also the `x-amz-request-id` of the reply. */
  readonly requestId: string
  /** Whether the request itself came over TLS, or a trusted proxy says that it did. */
  readonly secure: boolean
  /** Undefined over plain HTTP and behind a trusted proxy. */
  readonly tls: TlsFacts | undefined
  readonly sourceIp: string
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean
  readonly startedAtMs: number
  /** Absent where nobody traces. */
  readonly trace?: RequestTrace | undefined
}

/** A service's entrance. `handle` always ends the response, reports exactly one Outcome, and never rejects. */
export interface Door {
  handle(exchange: Exchange): Promise<void>
}
