/** The digests that are taken of a body while it is sealed: one row per algorithm. */
import { createHash } from 'node:crypto'
import { crc32, crc32c } from '@node-rs/crc32'
import { createCRC64, type IHasher } from 'hash-wasm'
import type { ChecksumAlgorithm } from './types.ts'

export interface Digest {
  update(chunk: Uint8Array): void
  /** Ends the digest. */
  final(): Uint8Array
}

export type DigestAlgorithm = ChecksumAlgorithm | 'MD5'

const MAKERS: Readonly<Record<DigestAlgorithm, () => Promise<Digest> | Digest>> = {
  MD5: () => hashDigest('md5'),
  SHA1: () => hashDigest('sha1'),
  SHA256: () => hashDigest('sha256'),
  CRC32: () => crcDigest(crc32),
  CRC32C: () => crcDigest(crc32c),
  CRC64NVME: () => crc64Digest(),
}

export async function startDigest(algorithm: DigestAlgorithm): Promise<Digest> {
  return MAKERS[algorithm]()
}

function hashDigest(name: 'md5' | 'sha1' | 'sha256'): Digest {
  const hash = createHash(name)
  return { update: (chunk) => void hash.update(chunk), final: () => hash.digest() }
}

function crcDigest(step: (input: Buffer, previous?: number | null) => number): Digest {
  let crc = 0
  return {
    update(chunk) {
      crc = step(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length), crc)
    },
    final() {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(crc >>> 0)
      return bytes
    },
  }
}

/** The polynomial of NVMe, in the reflected form that hash-wasm takes. */
const CRC64_NVME = '9a6c9329ac4bc9b5'
/** Instances are WebAssembly memories of their own, so they are used again. */
const idle: IHasher[] = []

async function crc64Digest(): Promise<Digest> {
  const hasher = idle.pop() ?? (await createCRC64(CRC64_NVME))
  hasher.init()
  return {
    update: (chunk) => void hasher.update(chunk),
    final() {
      const digest = Buffer.from(hasher.digest('hex').padStart(16, '0'), 'hex')
      idle.push(hasher)
      return digest
    },
  }
}
