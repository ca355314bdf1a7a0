import type { KeyValue } from './condition-keys.ts'
import type { Policy } from './document.ts'

/** What a call needs to be allowed. */
export interface Access {
  /** e.g. `s3:GetObject`. */
  readonly action: string
  readonly resource: string
  readonly resourceAccount: string
  readonly resourcePolicy: Policy | undefined
  /** Whether the resource's policy must give its part also within the account, as a KMS key's must. */
  readonly resourceMustAllow?: boolean
  /** The service's condition keys, by lower-case name, and those `aws:` keys that only the service knows. */
  readonly keys?: (key: string) => KeyValue
}
