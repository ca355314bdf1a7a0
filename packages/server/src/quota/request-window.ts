/**
 * The window of a request quota: a second of the server's clock, with so many calls in it; past them every call is
 * refused until it ends (KMS developer guide, "Throttling"). A quota below one call a second has a longer window with one.
 */

export interface RequestWindow {
  /** Milliseconds since the epoch. */
  readonly fromMs: number
  readonly untilMs: number
  readonly calls: number
}

/** `perSecond`: the quota, 0 or more, also a fraction. */
export function windowAt(nowMs: number, perSecond: number): RequestWindow {
  const lengthMs = perSecond > 0 && perSecond < 1 ? Math.ceil(1000 / perSecond) : 1000
  const fromMs = Math.floor(nowMs / lengthMs) * lengthMs
  return { fromMs, untilMs: fromMs + lengthMs, calls: lengthMs === 1000 ? Math.floor(perSecond) : 1 }
}

export const isWithin = ({ fromMs, untilMs }: Pick<RequestWindow, 'fromMs' | 'untilMs'>, nowMs: number) =>
  nowMs >= fromMs && nowMs < untilMs
