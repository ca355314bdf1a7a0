import { createHmac } from 'node:crypto'
import type { CredentialScope } from './claim.ts'

/**
 * SigV4 signing key, remembered by credential and scope: it changes once a day, and its four HMACs would be most of a
 * small request's signature check. The secret is part of the key, so a replaced secret never finds an old entry.
 */
export function signingKey(accessKeyId: string, secretAccessKey: string, scope: CredentialScope): Buffer {
  const id = `${accessKeyId}\n${secretAccessKey}\n${scope.date}\n${scope.region}\n${scope.service}`
  let key = keys.get(id)
  if (!key) {
    key = ['aws4_request', scope.service, scope.region, scope.date].reduceRight(
      (secret: Buffer, step) => createHmac('sha256', secret).update(step).digest(),
      Buffer.from(`AWS4${secretAccessKey}`),
    )
    if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!)
    keys.set(id, key)
  }
  return key
}

const keys = new Map<string, Buffer>()
const MAX_KEYS = 1_000
