/** What a decision is about. Everything an access decision may depend on stands here; nothing else is looked up. */

export type PolicyPrincipal =
  | { readonly kind: 'Anonymous' }
  /** The root user of an account. */
  | { readonly kind: 'Account'; readonly accountId: string; readonly arn: string; readonly canonicalId?: string }
  | { readonly kind: 'User'; readonly accountId: string; readonly arn: string; readonly canonicalId?: string }
  /** `arn` is the session's (`arn:aws:sts::…:assumed-role/ROLE/SESSION`), `roleArn` the role's. */
  | { readonly kind: 'AssumedRole'; readonly accountId: string; readonly arn: string; readonly roleArn: string }
  | { readonly kind: 'FederatedUser'; readonly accountId: string; readonly arn: string }
  /** Vouched for by an identity provider (its ARN), before there is a session: a principal of trust policies only. */
  | { readonly kind: 'WebIdentity'; readonly provider: string }
  /** e.g. `cloudtrail.amazonaws.com`. */
  | { readonly kind: 'Service'; readonly service: string }

/**
 * Condition keys in lower case with their values; a key that is absent from the request is absent here. A key that can
 * have one value has one.
 */
export type RequestContext = Pick<ReadonlyMap<string, readonly string[]>, 'get' | 'has'>

/** A request made ready, once, for being held against many statements. */
export interface PreparedRequest extends PolicyRequest {
  readonly lowerCaseAction: string
  readonly resourceParts: readonly string[]
}

export interface PolicyRequest {
  /** e.g. `s3:GetObject`. */
  readonly action: string
  readonly resource: string
  readonly principal: PolicyPrincipal
  readonly context: RequestContext
}
