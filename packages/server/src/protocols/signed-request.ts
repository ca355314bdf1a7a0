/** From a request on the wire to what its signature is checked against, and to the call that it makes. */
import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../core/exchange.ts'
import type { DecisionFacts } from '../core/outcome.ts'
import type { CallContext, Principal } from '../policy/call.ts'
import type { SignatureClaim, SignedRequestFacts } from '../signature/claim.ts'
import type { FormClaim } from '../signature/form.ts'

export function signedFacts(request: IncomingMessage): SignedRequestFacts {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  // Without a prototype: a request may sign, or have, a header called `constructor`.
  const headers: Record<string, string> = Object.create(null)
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!.toLowerCase()
    const value = request.rawHeaders[i + 1]!
    headers[name] = name in headers ? `${headers[name]},${value}` : value
  }
  return {
    method: request.method ?? 'GET',
    rawPath: mark < 0 ? url : url.slice(0, mark),
    rawQuery: mark < 0 ? '' : url.slice(mark + 1),
    headers,
  }
}

/** A call under way; what it opens and decides, and what its reply waits for, is gathered here. */
export interface OpenCall extends CallContext {
  readonly openedBuckets: Set<string>
  readonly decisions: readonly DecisionFacts[]
  /** The request quota that it counts against. */
  quota: string | undefined
  /** What is to be done before the reply. */
  readonly kept: readonly Promise<void>[]
}

/** `claim` undefined: the request is anonymous. */
export function openCall(
  exchange: Exchange,
  principal: Principal,
  region: string,
  claim: SignatureClaim | FormClaim | undefined,
): OpenCall {
  const { headers } = exchange.request
  const decisions: DecisionFacts[] = []
  const kept: Promise<void>[] = []
  const call: OpenCall = {
    principal,
    requestId: exchange.requestId,
    atMs: exchange.startedAtMs,
    sourceIp: exchange.sourceIp,
    userAgent: headers['user-agent'],
    referer: headers.referer,
    secureTransport: exchange.secure,
    tlsVersion: exchange.tls?.version,
    signature: claim && {
      version: claim.version,
      by: claim.by,
      ageMs: claim.version === 'v4' ? exchange.startedAtMs - claim.signedAtMs : undefined,
    },
    region,
    via: undefined,
    openedBuckets: new Set(),
    decisions,
    decided: (decision) => decisions.push(decision),
    quota: undefined,
    counted(_atMs, quota) {
      call.quota = quota
    },
    kept,
    replyAfter(promise) {
      // It is waited for later, and must not count as unheard until then.
      promise.catch(() => undefined)
      kept.push(promise)
    },
  }
  return call
}
