import type { ObjectLock } from '../objects/object-lock.ts'
import type { Tags } from '../objects/types.ts'

/** One thing that a request needs to be allowed. */
export interface AccessNeed {
  /** e.g. `s3:GetObjectVersion`. */
  readonly action: string
  /** Undefined: it is about the caller's own account. */
  readonly bucket: string | undefined
  /** '' or absent: it is about the bucket itself. */
  readonly objectKey?: string
  readonly versionId?: string | undefined
  /** The tags that the request sets, where it sets any. */
  readonly requestTags?: Tags | undefined
  /** The keys of the tags that it removes, where they are named. */
  readonly removedTagKeys?: readonly string[]
  /** What the request locks by, where it locks by anything. */
  readonly requestLock?: ObjectLock | undefined
  /** What it would be encrypted by from now on, where that stands in the body and in no header. */
  readonly newEncryption?: { readonly method: string; readonly keyArn: string | undefined } | undefined
  /** It is what a copy reads. */
  readonly isCopySource?: boolean
  /** The object is still to be written, so that no ACL of its own can speak. */
  readonly unwritten?: boolean
  /** The bucket is still to be made, so that no policy of its own can speak. */
  readonly unmade?: boolean
}
