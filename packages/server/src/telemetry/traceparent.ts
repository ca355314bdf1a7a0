/** The caller's trace, as its request names it (W3C Trace Context, section 3.2, "Traceparent Header"). */

export interface RemoteParent {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits; of the caller's span. */
  readonly spanId: string
  readonly sampled: boolean
}

/** Undefined where there is none, or none that can be understood, which begins a new trace (section 4.3). */
export function readTraceparent(header: string | undefined): RemoteParent | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(header ?? '') ?? []
  if (traceId === undefined || spanId === undefined || version === 'ff') return undefined
  // Later versions may append fields; this one has no more.
  if (version === '00' && more !== '') return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags!, 16) & 1) === 1 }
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(|-.*)$/
