/**
 * Bodies of formats V2 and V3: one AES-256-GCM message, its tag at the end. Nothing in it is proved before all of it is,
 * so a reader is given the first byte once the last has been read; what does not fit into memory is read twice.
 */
import { EncryptionError } from '../errors.ts'
import type { GcmParameters, Platform } from '../platform.ts'
import { MAX_GCM_BYTES } from '../suites.ts'
import { BlockMacs } from './block-macs.ts'
import { type Chunks, chunksOf } from './chunks.ts'

export const GCM_TAG_BYTES = 16

/** Ciphertext, then tag: 16 bytes more than `source`. The key may be wiped at once. Throws EncryptionError BodyTooLarge above 2^36 - 32 bytes. */
export function encryptGcmBody(platform: Platform, source: Chunks, parameters: GcmParameters): Chunks {
  const encryptor = platform.gcmEncryptor(parameters)
  async function* encrypt() {
    let taken = 0
    for await (const chunk of source) {
      taken += chunk.length
      if (taken > MAX_GCM_BYTES) throw tooLarge('the format ends at 64 GiB')
      const ciphertext = encryptor.update(chunk)
      if (ciphertext.length > 0) yield ciphertext
    }
    yield await encryptor.final()
  }
  return chunksOf(encrypt(), () => source.return())
}

/** How to read what does not fit into memory. */
export type LargeBodies = 'spill' | 'read-twice' | 'refuse'

export interface SealedGcmBody {
  /** Ciphertext and tag. */
  readonly sealed: Chunks
  readonly sealedBytes: number
  readonly parameters: GcmParameters
  /** The most plaintext that is held in memory. */
  readonly bufferBytes: number
  /**
   * What to do above that. `spill`: keep the ciphertext in a temporary file. `read-twice`: ask `readAgain` for the same
   * bytes once they have authenticated.
   */
  readonly large: LargeBodies
  readonly readAgain?: () => Promise<Chunks>
}

export interface OpenedBody {
  readonly plaintextBytes: number
  /** End them early, or read them to their end: either frees what they come from. */
  readonly chunks: Chunks
}

/**
 * Resolves once all of the body has authenticated; the key may be wiped then. Throws EncryptionError: BodyNotAuthentic, also where the body is not
 * `sealedBytes` long; BodyTooLarge. Reading the chunks throws ChangedWhileRead where the second reading gives other
 * bytes than the first; none of them is given out then. `sealed` is ended on every path.
 */
export async function decryptGcmBody(platform: Platform, body: SealedGcmBody): Promise<OpenedBody> {
  try {
    const plaintextBytes = body.sealedBytes - GCM_TAG_BYTES
    if (plaintextBytes < 0) throw new EncryptionError('BodyNotAuthentic')
    if (plaintextBytes > MAX_GCM_BYTES) throw tooLarge('the format ends at 64 GiB')
    const open = plaintextBytes <= body.bufferBytes ? openInMemory : openInTwoPasses
    return { plaintextBytes, chunks: await open(platform, body) }
  } finally {
    await body.sealed.return()
  }
}

async function openInMemory(platform: Platform, body: SealedGcmBody): Promise<Chunks> {
  const decryptor = platform.gcmDecryptor(body.parameters)
  const pieces: Uint8Array[] = []
  const keep = (plaintext: Uint8Array) => {
    if (plaintext.length > 0) pieces.push(plaintext)
  }
  try {
    const tag = await readSealed(body, (ciphertext) => keep(decryptor.update(ciphertext)))
    keep(await decryptor.final(tag))
  } catch (error) {
    for (const piece of pieces) piece.fill(0)
    throw error
  }
  async function* drain() {
    for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield piece
  }
  return chunksOf(drain(), () => pieces.splice(0))
}

async function openInTwoPasses(platform: Platform, body: SealedGcmBody): Promise<Chunks> {
  const { large, readAgain } = body
  if (large === 'refuse' || !platform.twoPass) {
    throw tooLarge(
      `${body.sealedBytes - GCM_TAG_BYTES} bytes, which is more than bufferBytes (${body.bufferBytes}) lets into ` +
        'memory; raise bufferBytes, or store large objects in the sealed format, which is read piece by piece',
    )
  }
  const { blockMacs, spill } = platform.twoPass
  const macs = new BlockMacs(blockMacs())
  if (large === 'read-twice') {
    if (!readAgain) throw new EncryptionError('InvalidConfiguration', 'reading twice needs a way to read again')
    const tag = await authenticate(platform, body, (chunk) => macs.update(chunk))
    macs.final()
    return secondPass(platform, body, macs, tag, readAgain, () => {})
  }
  const file = await spill()
  try {
    const tag = await authenticate(platform, body, (chunk) => {
      macs.update(chunk)
      return file.write(chunk)
    })
    macs.final()
    const read = async () => chunksOf(file.read()[Symbol.asyncIterator](), () => file.close())
    return secondPass(platform, body, macs, tag, read, () => file.close())
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The first pass: shows each chunk to `see`, and resolves to the tag once all has authenticated. */
async function authenticate(
  platform: Platform,
  body: SealedGcmBody,
  see: (sealed: Uint8Array) => Promise<void> | void,
): Promise<Uint8Array> {
  const decryptor = platform.gcmDecryptor(body.parameters)
  const tag = await readSealed(body, (ciphertext) => drop(decryptor.update(ciphertext)), see)
  drop(await decryptor.final(tag))
  return tag
}

/** Nobody may see it: it has not been authenticated. */
const drop = (plaintext: Uint8Array) => plaintext.fill(0)

/** The second pass, over bytes that are known to be those of the first. */
function secondPass(
  platform: Platform,
  body: SealedGcmBody,
  macs: BlockMacs,
  tag: Uint8Array,
  read: () => Promise<Chunks>,
  free: () => unknown,
): Chunks {
  const decryptor = platform.gcmDecryptor(body.parameters)
  let source: Chunks | undefined
  async function* decrypt() {
    try {
      source = await read()
      let left = body.sealedBytes - GCM_TAG_BYTES
      for await (const block of macs.verified(source, body.sealedBytes)) {
        for (const piece of block) {
          const ciphertext = piece.subarray(0, left)
          left -= ciphertext.length
          if (ciphertext.length > 0) yield* some(decryptor.update(ciphertext))
        }
      }
      yield* some(await decryptor.final(tag))
    } finally {
      await free()
    }
  }
  return chunksOf(decrypt(), async () => {
    await source?.return()
    await free()
  })
}

function* some(bytes: Uint8Array): Generator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes
}

/** Reads a body of exactly `sealedBytes`: its ciphertext goes to `take`, its tag is returned. */
async function readSealed(
  { sealed, sealedBytes }: SealedGcmBody,
  take: (ciphertext: Uint8Array) => unknown,
  see?: (sealed: Uint8Array) => Promise<void> | void,
): Promise<Uint8Array> {
  const end = sealedBytes - GCM_TAG_BYTES
  const tag = new Uint8Array(GCM_TAG_BYTES)
  let read = 0
  for await (const chunk of sealed) {
    if (read + chunk.length > sealedBytes) throw new EncryptionError('BodyNotAuthentic')
    const ciphertext = chunk.subarray(0, Math.max(0, end - read))
    if (ciphertext.length > 0) take(ciphertext)
    if (ciphertext.length < chunk.length) tag.set(chunk.subarray(ciphertext.length), read + ciphertext.length - end)
    read += chunk.length
    await see?.(chunk)
  }
  if (read !== sealedBytes) throw new EncryptionError('BodyNotAuthentic')
  return tag
}

const tooLarge = (detail: string) => new EncryptionError('BodyTooLarge', detail)
