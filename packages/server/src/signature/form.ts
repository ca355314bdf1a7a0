/**
 * Signatures of a browser's form: over the policy document as it was sent, by fields of the form (AWS S3 API reference,
 * "Browser-Based Uploads Using POST"). Field names are in lower case. Which fields are right is the policy's matter.
 */
import { createHmac } from 'node:crypto'
import { type CredentialScope, parseBasicDate, readCredential } from './claim.ts'
import { SignatureError } from './errors.ts'
import { signingKey } from './signing-key.ts'
import { sameText, spacedHex } from './verify.ts'

export type FormFields = ReadonlyMap<string, string>
export type FormClaim = V4FormClaim | V2FormClaim

interface SignedForm {
  readonly by: 'form'
  readonly accessKeyId: string
  readonly sessionToken: string | undefined
  readonly signature: string
  /** Base64, as sent: this text is what is signed. */
  readonly policy: string
}

export interface V4FormClaim extends SignedForm {
  readonly version: 'v4'
  readonly scope: CredentialScope
  readonly amzDate: string
  readonly signedAtMs: number
}

export interface V2FormClaim extends SignedForm {
  readonly version: 'v2'
}

/** Fields of which a signed form has all, each with the name that AWS calls it by. */
const V4_FIELDS = ['Policy', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Signature']
const V2_FIELDS = ['Policy', 'AWSAccessKeyId', 'Signature']

/** `undefined` for an anonymous form. Throws SignatureError for one that is neither. */
export function readFormClaim(fields: FormFields): FormClaim | undefined {
  // A policy alone is no claim: nobody has signed it.
  const claims = (names: readonly string[]) => names.some((name) => name !== 'Policy' && fields.has(name.toLowerCase()))
  if (claims(V4_FIELDS)) return v4Claim(fields)
  if (claims(V2_FIELDS)) return v2Claim(fields)
  return undefined
}

/** Throws SignatureError with AWS's code, text and fields. */
export function verifyForm(claim: FormClaim, options: { secretAccessKey: string; region: string }): void {
  if (claim.version === 'v4') checkScope(claim, options.region)
  const signature =
    claim.version === 'v4'
      ? createHmac('sha256', signingKey(claim.accessKeyId, options.secretAccessKey, claim.scope))
          .update(claim.policy)
          .digest('hex')
      : createHmac('sha1', options.secretAccessKey).update(claim.policy).digest('base64')
  if (sameText(signature, claim.signature)) return
  throw new SignatureError('SignatureDoesNotMatch', undefined, {
    AWSAccessKeyId: claim.accessKeyId,
    StringToSign: claim.policy,
    SignatureProvided: claim.signature,
    StringToSignBytes: spacedHex(claim.policy),
  })
}

function v4Claim(fields: FormFields): V4FormClaim {
  const value = requiredFields(fields, V4_FIELDS)
  const [algorithm, credential, amzDate] = [value('X-Amz-Algorithm'), value('X-Amz-Credential'), value('X-Amz-Date')]
  if (algorithm !== 'AWS4-HMAC-SHA256') {
    throw invalid('X-Amz-Algorithm', algorithm, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  const signedAtMs = parseBasicDate(amzDate)
  if (Number.isNaN(signedAtMs)) {
    throw invalid('X-Amz-Date', amzDate, 'X-Amz-Date must be formated via ISO8601 Long format')
  }
  return {
    version: 'v4',
    ...readCredential(credential, (message) => invalid('X-Amz-Credential', credential, message)),
    by: 'form',
    sessionToken: fields.get('x-amz-security-token'),
    signature: value('X-Amz-Signature'),
    policy: value('Policy'),
    amzDate,
    signedAtMs,
  }
}

function v2Claim(fields: FormFields): V2FormClaim {
  const value = requiredFields(fields, V2_FIELDS)
  return {
    version: 'v2',
    by: 'form',
    accessKeyId: value('AWSAccessKeyId'),
    sessionToken: fields.get('x-amz-security-token'),
    signature: value('Signature'),
    policy: value('Policy'),
  }
}

/** Looks for all of them at once, so that the first one missing is the one named. */
function requiredFields(fields: FormFields, names: readonly string[]): (name: string) => string {
  const missing = names.find((name) => !fields.has(name.toLowerCase()))
  if (missing !== undefined) throw invalid(missing, '', missingField(missing))
  return (name) => fields.get(name.toLowerCase())!
}

export const missingField = (name: string) =>
  `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`

/** The day is the scope's too, so that a form cannot give itself another age than its key has. */
function checkScope({ scope, amzDate, accessKeyId }: V4FormClaim, region: string): void {
  const credential = `${accessKeyId}/${scope.date}/${scope.region}/${scope.service}/aws4_request`
  const refuse = (message: string, fields: Readonly<Record<string, string>> = {}) => {
    const { message: text, code, fields: named } = invalid('X-Amz-Credential', credential, message)
    throw new SignatureError(code, text, { ...named, ...fields })
  }
  if (scope.region !== region) {
    refuse(`the region '${scope.region}' is wrong; expecting '${region}'`, { Region: region })
  }
  if (scope.service !== 's3') refuse(`incorrect service "${scope.service}". This endpoint belongs to "s3".`)
  if (scope.date !== amzDate.slice(0, 8)) {
    refuse(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    )
  }
}

const invalid = (name: string, value: string, message: string) =>
  new SignatureError('InvalidArgument', message, { ArgumentName: name, ArgumentValue: value })
