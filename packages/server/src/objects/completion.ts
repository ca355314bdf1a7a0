/** The rules of CompleteMultipartUpload: which parts make the object, its ETag and its checksum. Pure. */
import { createHash } from 'node:crypto'
import { Fault } from '../core/fault.ts'
import { combineCrcs, isCombinable } from './crc-combine.ts'
import { startDigest } from './digests.ts'
import type { UploadChecksum, UploadPart, UploadRecord } from './records.ts'
import type { Checksum, ChecksumAlgorithm, ChecksumType } from './types.ts'

/** One part as the client lists it. ETag without quotes. */
export interface ListedPart {
  readonly partNumber: number
  readonly etag: string
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
}

/** Every part but the last has at least this size. */
export const MIN_PART_BYTES = 5 * 1024 ** 2
export const MAX_PARTS = 10_000

/** The parts in order. Throws PartOrderInvalid, PartInvalid, PartTooSmall, or PartChecksumMissing. */
export function selectParts(
  uploadId: string,
  listed: readonly ListedPart[],
  stored: ReadonlyMap<number, UploadPart>,
  checksum: UploadChecksum,
): readonly UploadPart[] {
  if (listed.some(({ partNumber }, i) => i > 0 && partNumber <= listed[i - 1]!.partNumber)) {
    throw new Fault('PartOrderInvalid', { uploadId })
  }
  const parts = listed.map(({ partNumber, etag, checksum: given }) => {
    const part = stored.get(partNumber)
    if (part?.etag !== etag) throw new Fault('PartInvalid', { partNumber, etag, uploadId })
    if (checksum.declared && checksum.type === 'COMPOSITE' && !given) {
      throw new Fault('PartChecksumMissing', { partNumber, algorithm: checksum.algorithm })
    }
    if (given?.algorithm === checksum.algorithm && given.value !== part.checksum) {
      throw new Fault('PartInvalid', { partNumber, etag, uploadId })
    }
    return part
  })
  for (const { etag, stream } of parts.slice(0, -1)) {
    if (stream.plaintextSize < MIN_PART_BYTES) {
      const { partNumber, plaintextSize } = stream
      throw new Fault('PartTooSmall', {
        partNumber,
        etag,
        proposedBytes: plaintextSize,
        minBytes: MIN_PART_BYTES,
      })
    }
  }
  return parts
}

/** MD5 of the parts' ETags and their number (AWS user guide, "Checking object integrity"). */
export function multipartEtag(parts: readonly UploadPart[]): string {
  const md5 = createHash('md5')
  for (const { etag } of parts) md5.update(Buffer.from(etag, 'hex'))
  return `${md5.digest('hex')}-${parts.length}`
}

/** What of a completion says how the object's checksum must be. */
export interface GivenChecksum {
  readonly checksum: Pick<Checksum, 'algorithm' | 'value'> | undefined
  readonly checksumType: ChecksumType | undefined
}

/**
 * The checksum of the finished object. An SSE-C upload without a declared checksum ends without one, as on S3.
 * Throws ChecksumModeMismatch, ChecksumTypeMismatch or DigestMismatch where it is not what was given.
 */
export async function completedChecksum(
  { checksum: declared, protection }: Pick<UploadRecord, 'checksum' | 'protection'>,
  parts: readonly UploadPart[],
  { checksum: given, checksumType }: GivenChecksum,
): Promise<Checksum | undefined> {
  if (checksumType && checksumType !== declared.type) throw new Fault('ChecksumModeMismatch', { type: declared.type })
  if (!declared.declared && protection.method === 'SSE-C') return undefined
  const checksum = await multipartChecksum(declared, parts)
  if (given && given.algorithm !== checksum.algorithm) {
    throw new Fault('ChecksumTypeMismatch', { declared: checksum.algorithm, given: given.algorithm })
  }
  // The number of parts may be left out.
  const value = (text: string) => text.split('-')[0]
  if (given && value(given.value) !== value(checksum.value)) {
    throw new Fault('DigestMismatch', {
      digest: checksum.algorithm,
      expected: given.value,
      computed: checksum.value,
    })
  }
  return checksum
}

/** Of the whole object (FULL_OBJECT), or of the parts' checksums (COMPOSITE). */
async function multipartChecksum({ algorithm, type }: UploadChecksum, parts: readonly UploadPart[]): Promise<Checksum> {
  const checksums = parts.map(({ checksum, stream }) => ({
    crc: Buffer.from(checksum, 'base64'),
    length: stream.plaintextSize,
  }))
  if (type === 'FULL_OBJECT' && isCombinable(algorithm)) {
    return { algorithm, type, value: Buffer.from(combineCrcs(algorithm, checksums)).toString('base64') }
  }
  const digest = await startDigest(algorithm)
  digest.update(Buffer.concat(checksums.map(({ crc }) => crc)))
  return { algorithm, type, value: `${Buffer.from(digest.final()).toString('base64')}-${parts.length}` }
}
