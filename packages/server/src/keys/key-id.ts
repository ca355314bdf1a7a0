/** The forms in which a request names a KMS key, and AWS's texts for those that name none (aws KMS API, KeyId). */
import { Fault } from '../core/fault.ts'

export type KeyReference =
  | { readonly kind: 'id'; readonly accountId: string; readonly keyId: string; readonly arn: string }
  | { readonly kind: 'alias'; readonly accountId: string; readonly alias: string; readonly arn: string }

export const keyArn = (region: string, accountId: string, keyId: string) =>
  `arn:aws:kms:${region}:${accountId}:key/${keyId}`
export const aliasArn = (region: string, accountId: string, alias: string) =>
  `arn:aws:kms:${region}:${accountId}:${alias}`

/**
 * Reads key id, key ARN, alias name or alias ARN. `configuredIds` may have any form.
 * Throws KmsKeyNotFound with AWS's text for an ARN of another region; whether the key exists is not looked at.
 */
export function readKeyReference(text: string, region: string, callersAccount: string): KeyReference {
  if (text.startsWith('arn:')) {
    const [, , service, arnRegion = '', accountId = '', ...rest] = text.split(':')
    const resource = rest.join(':')
    if (service !== 'kms' || !/^\d{12}$/.test(accountId))
      throw new Fault('KmsArnInvalid', { message: `Invalid arn ${text}` })
    if (arnRegion !== region) throw new Fault('KmsKeyNotFound', { message: `Invalid arn ${arnRegion}` })
    if (resource.startsWith('alias/')) return { kind: 'alias', accountId, alias: resource, arn: text }
    if (!resource.startsWith('key/')) throw new Fault('KmsArnInvalid', { message: `Invalid arn ${text}` })
    return { kind: 'id', accountId, keyId: resource.slice(4), arn: text }
  }
  if (text.startsWith('alias/')) {
    return { kind: 'alias', accountId: callersAccount, alias: text, arn: aliasArn(region, callersAccount, text) }
  }
  return { kind: 'id', accountId: callersAccount, keyId: text, arn: keyArn(region, callersAccount, text) }
}

/** AWS tells a key id that cannot be one from one that could but is not. */
export function keyNotFound(reference: KeyReference): Fault<'KmsKeyNotFound'> {
  if (reference.kind === 'alias')
    return new Fault('KmsKeyNotFound', { message: `Alias ${reference.arn} is not found.` })
  const message = KEY_ID.test(reference.keyId)
    ? `Key '${reference.arn}' does not exist`
    : `Invalid keyId '${reference.keyId}'`
  return new Fault('KmsKeyNotFound', { message })
}

const KEY_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/i
