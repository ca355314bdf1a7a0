/** What the S3 door calls below it. Wired once, in `cli/serve`. */
import type { Clock } from '../core/clock.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { IdentityStore } from '../identity/identity-store.ts'
import type { Buckets } from '../objects/buckets.ts'
import type { EncryptionChanges } from '../objects/encryption-change.ts'
import type { Listing } from '../objects/listing.ts'
import type { Multipart } from '../objects/multipart.ts'
import type { ObjectAcls } from '../objects/object-acls.ts'
import type { ObjectAttributes } from '../objects/object-attributes.ts'
import type { ObjectLocks } from '../objects/object-locks.ts'
import type { Objects } from '../objects/objects.ts'
import type { Tagging } from '../objects/tagging.ts'

export interface S3Services {
  readonly accounts: Accounts
  readonly identity: IdentityStore
  readonly buckets: Buckets
  readonly objects: Objects
  readonly encryptionChanges: EncryptionChanges
  readonly acls: ObjectAcls
  readonly attributes: ObjectAttributes
  readonly objectLocks: ObjectLocks
  readonly tagging: Tagging
  readonly multipart: Multipart
  readonly listing: Listing
  readonly clock: Clock
  readonly region: string
}
