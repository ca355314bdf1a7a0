/** The platform of browsers, and of whatever else has Web Crypto, which takes a GCM message whole. */

import { concat } from '@strongroom/crypto'
import { createOpener, createSealer } from '@strongroom/crypto/web'
import { EncryptionError } from '../errors.ts'
import type { GcmParameters, Platform } from '../platform.ts'
import { importContentKey, subtle } from '../web-crypto.ts'

export const webPlatform: Platform<ReadableStream<Uint8Array>> = {
  gcmEncryptor(parameters) {
    const message = gatherMessage(parameters)
    return {
      update: message.gather,
      async final() {
        const { algorithm, key, bytes } = await message.end()
        return new Uint8Array(await subtle.encrypt(algorithm, key, bytes))
      },
    }
  },

  gcmDecryptor(parameters) {
    const message = gatherMessage(parameters)
    return {
      update: message.gather,
      async final(tag) {
        if (tag.length !== 16) throw new EncryptionError('BodyNotAuthentic')
        message.gather(tag)
        const { algorithm, key, bytes } = await message.end()
        try {
          return new Uint8Array(await subtle.decrypt(algorithm, key, bytes))
        } catch {
          throw new EncryptionError('BodyNotAuthentic')
        }
      },
    }
  },

  sealer: createSealer,
  opener: createOpener,

  toStream(chunks) {
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await chunks.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        async cancel() {
          await chunks.return()
        },
      },
      // Nothing is opened before somebody reads.
      { highWaterMark: 0 },
    )
  },
}

/**
 * Keeps copies until the end, since both chunks and key are their giver's again as soon as they were taken. Copies made
 * by the constructor, since `slice` of a Buffer is none.
 */
function gatherMessage(parameters: GcmParameters) {
  const keyBytes = new Uint8Array(parameters.key)
  const algorithm = {
    name: 'AES-GCM',
    iv: new Uint8Array(parameters.iv),
    additionalData: new Uint8Array(parameters.associatedData ?? NONE),
    tagLength: 128,
  }
  const gathered: Uint8Array[] = []
  return {
    gather(chunk: Uint8Array): Uint8Array {
      gathered.push(new Uint8Array(chunk))
      return NONE
    },
    async end() {
      const key = await importContentKey('AES-GCM', keyBytes)
      keyBytes.fill(0)
      return { algorithm, key, bytes: concat(gathered) }
    },
  }
}

const NONE = new Uint8Array(0)
