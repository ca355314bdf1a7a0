/**
 * Spans: how long the steps of a request take, for whoever traces it. Without a tracer there is nothing of this: doors mark
 * their steps on `exchange.trace`, which is absent then, and what lies below is wrapped only when the server is wired
 * with one (telemetry/traced-store.ts).
 */

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>

export interface Tracer {
  /**
   * Runs `run` within a span, a child of the one under way, and ends it with what `run` returns or when that promise
   * settles; what it throws marks the span as failed. Outside of a traced request it calls straight through.
   */
  span<T>(name: string, attributes: SpanAttributes, run: () => T): T
}

/** The trace of one request, whose steps follow each other. */
export interface RequestTrace {
  /** Ends the step before and begins this one. */
  step(name: string): void
}
