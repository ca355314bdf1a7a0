/** IAM's refusals, in its words. */
import { Fault, type IdentityRefusal } from '../core/fault.ts'

export const refused = (refusal: IdentityRefusal, message: string) => new Fault('IdentityRefused', { refusal, message })

export const cannotBeFound = (what: string) => refused('NoSuchEntity', `The ${what} cannot be found.`)
export const alreadyExists = (what: string) => refused('EntityAlreadyExists', `${what} already exists.`)
export const quotaExceeded = (quota: string, most: number) =>
  refused('LimitExceeded', `Cannot exceed quota for ${quota}: ${most}`)
/** `must`: what must be done first, e.g. `detach all policies`. */
export const cannotDelete = (must: string) => refused('DeleteConflict', `Cannot delete entity, must ${must} first.`)
export const policyNotFound = (arn: string) => refused('NoSuchEntity', `Policy ${arn} was not found.`)
export const policyNotAttachable = (what: string) =>
  refused('NoSuchEntity', `${what} does not exist or is not attachable.`)
