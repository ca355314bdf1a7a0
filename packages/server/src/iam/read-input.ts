/** Members that many of IAM's operations have, with their forms (AWS IAM API reference, "Data types"). */
import { type TagCase, tagsOf } from '../identity/tags.ts'
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'

const NAME = '[\\w+=,.@-]+'
const PATH = '(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)'
const PATH_PREFIX = '\\u002F[\\u0021-\\u007F]*'
const MOST_TAGS = 50

/** Names that are being given are shorter than those that may be asked for. */
export const newName = (input: Input, member: string, maxLength = 64) => input.matching(member, NAME, maxLength)
export const existingName = (input: Input, member: string) => input.matching(member, NAME, 128)
export const groupName = (input: Input) => existingName(input, 'GroupName')
export const roleName = (input: Input) => input.matching('RoleName', NAME, 64)
export const userName = (input: Input) => existingName(input, 'UserName')
export const policyName = (input: Input) => existingName(input, 'PolicyName')
export const optionalName = (input: Input, member: string, maxLength: number) =>
  input.optionalMatching(member, NAME, maxLength)

/** The caller's own where none is named. */
export function userNameOrOwn(input: Input, call: CallContext): string {
  const name = input.optionalMatching('UserName', NAME, 128) ?? call.principal.userName
  if (name === undefined) throw input.invalid('Must specify userName when calling with non-User credentials')
  return name
}

export const path = (input: Input, member = 'Path') => input.optionalMatching(member, PATH, 512)
export const pathPrefix = (input: Input) => input.optionalMatching('PathPrefix', PATH_PREFIX, 512) ?? '/'

/** Whitespace around a document is not part of it. */
export const policyDocument = (input: Input, member = 'PolicyDocument') => input.text(member, 131_072).trim()

export function policyArn(input: Input, member = 'PolicyArn'): string {
  const arn = input.text(member, 2048, 20)
  if (!/^arn:aws:iam::(\d{12}|aws):policy\/.+$/.test(arn)) throw input.invalid(`ARN ${arn} is not valid.`)
  return arn
}

export const optionalPolicyArn = (input: Input, member: string) =>
  input.has(member) ? policyArn(input, member) : undefined

export const versionId = (input: Input) => input.matching('VersionId', 'v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?', 64)

export const providerArn = (input: Input) => input.text('OpenIDConnectProviderArn', 2048, 20)
export const accessKeyId = (input: Input) => input.matching('AccessKeyId', '[\\w]+', 128)
export const policySourceArn = (input: Input) => input.text('PolicySourceArn', 2048, 20)

/** The refusal of a request without a member that it must have; `member` begins with a small letter. */
export const missing = (input: Input, member: string) =>
  input.invalid(
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  )

/** Throws InvalidInput for a key that stands twice. */
export function tags(input: Input, tagCase: TagCase) {
  const given = input.structures('Tags')
  if (given.length > MOST_TAGS) throw tooMany(input, 'tags')
  return tagsOf(
    given.map((tag, index) => [
      tagText(input, `tags.${index + 1}.member.key`, tag.text('Key', 128)),
      tagText(input, `tags.${index + 1}.member.value`, tag.text('Value', 256, 0)),
    ]),
    tagCase,
  )
}

export function tagKeys(input: Input): readonly string[] {
  const keys = input.texts('TagKeys')
  if (keys.length > MOST_TAGS) throw tooMany(input, 'tagKeys')
  for (const key of keys) tagText(input, 'tagKeys', key)
  return keys
}

function tagText(input: Input, member: string, text: string): string {
  if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text)) {
    throw input.constraint(member, text, `Member must satisfy regular expression pattern: ${TAG_FORM}`)
  }
  return text
}

const tooMany = (input: Input, member: string) =>
  input.invalid(
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length less than or equal to ${MOST_TAGS}`,
  )

const TAG_FORM = '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+'
