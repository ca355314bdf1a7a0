/** Ranges of the S3 Encryption Client's formats, whose one tag proves the whole body only. */
import type { GetObjectCommandInput } from '@aws-sdk/client-s3'
import { TAG_BYTES } from '@strongroom/crypto'
import { requireReadable } from '../commitment-policy.ts'
import { decryptCbcRange, storedCbcRange } from '../content/cbc-body.ts'
import { collect } from '../content/chunks.ts'
import { decryptCtrRange, storedCtrRange } from '../content/ctr-range.ts'
import { EncryptionError } from '../errors.ts'
import { openEnvelope, wipe } from '../open-envelope.ts'
import { inMemory } from './body.ts'
import { parseRange } from './byte-range.ts'
import type { ClientContext, RequestOptions } from './context.ts'
import { type DecryptedObject, plainHead, sdkBody } from './get-object.ts'
import { fetchRange, headEncrypted, pinned } from './stored-object.ts'

/**
 * A range of an object, which **nothing authenticates**: whoever can write to the store chooses bit by bit what comes
 * out. Needs `enableLegacyUnauthenticatedModes`. The key's commitment is checked where the format has one. All of the
 * range is kept in memory. ContentRange has no total for AES-CBC.
 */
export async function getObjectRangeUnauthenticated(
  context: ClientContext,
  input: GetObjectCommandInput & { Range: string },
  options: RequestOptions = {},
): Promise<DecryptedObject> {
  const { settings } = context
  if (!settings.enableLegacyUnauthenticatedModes) throw new EncryptionError('UnauthenticatedModesDisabled')
  const { Range: _, ...rest } = input
  const { reply, sealedBytes, ...located } = await headEncrypted(context, rest, options)
  requireReadable(located.envelope, settings)
  if (located.envelope.format === 'sealed')
    throw new EncryptionError('UnsupportedParameter', 'ranges of the sealed format are authenticated; see getObject')
  const key = await openEnvelope(located.envelope, settings.keyring, options.encryptionContext ?? {})
  if (key.kind === 'sealed') throw new EncryptionError('MalformedEnvelope')
  try {
    const target = pinned(input, reply)
    const gcm = key.kind === 'gcm'
    const range = parseRange(input.Range, gcm ? Math.max(0, sealedBytes - TAG_BYTES) : sealedBytes)
    // The store's own answer to a range that lies behind the end.
    if (!range) await fetchRange(context, target, sealedBytes, sealedBytes + 1, options)
    const { start, endExclusive } = gcm ? storedCtrRange(range!) : storedCbcRange(range!)
    const bytes = await collect(await fetchRange(context, target, start, Math.min(endExclusive, sealedBytes), options))
    const part = { start, total: sealedBytes, bytes }
    const plaintext = gcm ? await decryptCtrRange(key.gcm, part, range!) : await decryptCbcRange(key, part, range!)
    const total = gcm ? sealedBytes - TAG_BYTES : '*'
    return {
      ...reply,
      ...plainHead(reply, located, sealedBytes),
      ContentLength: plaintext.length,
      ContentRange: `bytes ${range!.start}-${range!.start + plaintext.length - 1}/${total}`,
      Body: sdkBody(context, inMemory(plaintext).chunks),
    }
  } finally {
    wipe(key)
  }
}
