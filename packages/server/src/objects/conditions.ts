/** Conditional requests, as S3 reads RFC 9110: If-Match beats If-Unmodified-Since, If-None-Match beats If-Modified-Since. */
import { Fault } from '../core/fault.ts'
import type { Conditions } from './types.ts'

interface Validators {
  readonly etag: string
  readonly lastModifiedMs: number
  readonly versionId: string
}

/** Throws PreconditionFailed or NotModified. */
export function checkRead(conditions: Conditions, current: Validators): void {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = conditions
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current.etag)) throw new Fault('PreconditionFailed', { condition: 'If-Match' })
  } else if (ifUnmodifiedSinceMs !== undefined && seconds(current.lastModifiedMs) > ifUnmodifiedSinceMs) {
    throw new Fault('PreconditionFailed', { condition: 'If-Unmodified-Since' })
  }
  const notModified =
    ifNoneMatch !== undefined
      ? matches(ifNoneMatch, current.etag)
      : ifModifiedSinceMs !== undefined && seconds(current.lastModifiedMs) <= ifModifiedSinceMs
  if (notModified) throw new Fault('NotModified', { ...current })
}

/** For the source of a copy every failed condition is a PreconditionFailed. */
export function checkCopySource(conditions: Conditions, current: Validators): void {
  try {
    checkRead(conditions, current)
  } catch (error) {
    if (error instanceof Fault && error.code === 'NotModified') {
      throw new Fault('PreconditionFailed', { condition: 'x-amz-copy-source-If-None-Match' }, { cause: error })
    }
    throw error
  }
}

/** Throws PreconditionFailed, or ObjectNotFound for If-Match on a key that has no object. */
export function checkWrite(conditions: Conditions, objectKey: string, current: Validators | undefined): void {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifMatch !== undefined) {
    if (!current) throw new Fault('ObjectNotFound', { objectKey })
    if (!matches(ifMatch, current.etag)) throw new Fault('PreconditionFailed', { condition: 'If-Match' })
  }
  if (ifNoneMatch !== undefined && current && matches(ifNoneMatch, current.etag)) {
    throw new Fault('PreconditionFailed', { condition: 'If-None-Match' })
  }
}

export const hasConditions = (conditions: Conditions) => Object.values(conditions).some((value) => value !== undefined)

const matches = (etags: readonly string[], etag: string) => etags.includes('*') || etags.includes(etag)
/** HTTP dates have whole seconds. */
const seconds = (ms: number) => Math.floor(ms / 1000) * 1000
