/** The platform Node.js: node:crypto, which takes a GCM message piece by piece, its streams, and temporary files. */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { createOpener, createSealer } from '@strongroom/crypto/node'
import { EncryptionError } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { openSpillFile } from './spill.ts'

export const nodePlatform: Platform<Readable> = {
  gcmEncryptor({ key, iv, associatedData }) {
    const cipher = createCipheriv('aes-256-gcm', key, iv, GCM_OPTIONS)
    if (associatedData) cipher.setAAD(associatedData)
    return {
      update: (chunk) => cipher.update(chunk),
      async final() {
        // GCM keeps nothing back, so the tag is all that is left.
        cipher.final()
        return cipher.getAuthTag()
      },
    }
  },

  gcmDecryptor({ key, iv, associatedData }) {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, GCM_OPTIONS)
    if (associatedData) decipher.setAAD(associatedData)
    return {
      update: (ciphertext) => decipher.update(ciphertext),
      async final(tag) {
        if (tag.length !== GCM_OPTIONS.authTagLength) throw new EncryptionError('BodyNotAuthentic')
        decipher.setAuthTag(tag)
        try {
          return decipher.final()
        } catch {
          throw new EncryptionError('BodyNotAuthentic')
        }
      },
    }
  },

  sealer: async (dataKey, context) => createSealer(dataKey, context),
  opener: async (dataKey, header, context) => createOpener(dataKey, header, context),

  twoPass: {
    blockMacs() {
      const key = createSecretKey(randomBytes(32))
      return (block) => {
        // GMAC (NIST SP 800-38D, 3): several times as fast as a digest, and as good for who keeps key and MACs to itself.
        const iv = new Uint8Array(12)
        new DataView(iv.buffer).setUint32(8, block)
        const cipher = createCipheriv('aes-256-gcm', key, iv, GCM_OPTIONS)
        return {
          update(chunk) {
            cipher.setAAD(chunk)
          },
          final() {
            cipher.final()
            return cipher.getAuthTag()
          },
        }
      }
    },
    spill: openSpillFile,
  },

  toStream: (chunks): Readable => Readable.from(chunks, { objectMode: false }),
}

const GCM_OPTIONS = { authTagLength: 16 } as const
