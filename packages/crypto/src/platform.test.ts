/**
 * What all sealing builds on gives the published answers, by either provider: AES-256-GCM and HKDF-SHA-512.
 * Sources: "The Galois/Counter Mode of Operation", McGrew and Viega, appendix B, test cases 13 to 16; Wycheproof
 * (https://github.com/C2SP/wycheproof, commit 427a648c39e2edea11b75bcdcd72eea3da482d6f), testvectors_v1/hkdf_sha512;
 * NIST, named in vectors/nist.json.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { SealError } from './index.ts'
import * as nodeGcm from './node/gcm.ts'
import { deriveKey } from './node/index.ts'
import { deriveBytes } from './web/derive.ts'
import * as webGcm from './web/gcm.ts'
import { importKey } from './web/subtle.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const optional = (hex?: string) => (hex === undefined ? undefined : bytes(hex))
const hex = (...parts: Uint8Array[]) => Buffer.concat(parts).toString('hex')

interface GcmRow {
  readonly ptLen: number
  readonly aadLen: number
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly ct: string
  readonly tag: string
}
interface Vectors {
  readonly gcmEncrypt: readonly (GcmRow & { readonly pt: string })[]
  /** Without plaintext where the tag is wrong. */
  readonly gcmDecrypt: readonly (GcmRow & { readonly pt?: string })[]
  readonly hkdf: readonly {
    readonly tcId: number
    readonly salt: string
    readonly z: string
    readonly fixedInfo: readonly string[]
    readonly dkm: string
  }[]
}
const nist: Vectors = JSON.parse(readFileSync(new URL('../vectors/nist.json', import.meta.url), 'utf8'))

/** Both providers, from hex to hex. */
const GCM = {
  node: {
    seal: async (key: string, iv: string, pt: string, aad?: string) =>
      hex(...nodeGcm.sealGcm(bytes(key), bytes(iv), [bytes(pt)], optional(aad))),
    open: async (key: string, iv: string, sealed: string, aad?: string) =>
      hex(nodeGcm.openGcm(bytes(key), bytes(iv), bytes(sealed), optional(aad))),
  },
  web: {
    seal: async (key: string, iv: string, pt: string, aad?: string) => {
      const webKey = await importKey('AES-GCM', bytes(key))
      return hex(await webGcm.sealGcm(webKey, bytes(iv), bytes(pt), optional(aad)))
    },
    open: async (key: string, iv: string, sealed: string, aad?: string) => {
      const webKey = await importKey('AES-GCM', bytes(key))
      return hex(await webGcm.openGcm(webKey, bytes(iv), bytes(sealed), optional(aad)))
    },
  },
}

const KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const IV = 'cafebabefacedbaddecaf888'
const PLAIN =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const SEALED =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
const MCGREW_VIEGA = [
  [13, '00'.repeat(32), '00'.repeat(12), '', '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
  [
    14,
    '00'.repeat(32),
    '00'.repeat(12),
    '',
    '00'.repeat(16),
    'cea7403d4d606b6e074ec5d3baf39d18',
    'd0d1c8a799996bf0265b98b5d48ab919',
  ],
  [15, KEY, IV, '', PLAIN, SEALED, 'b094dac5d93471bdec1a502270e3cc6c'],
  [
    16,
    KEY,
    IV,
    'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    PLAIN.slice(0, 120),
    SEALED.slice(0, 120),
    '76fc6ece0f4e1768cddf8853bb2d551b',
  ],
] as const
describe.each(Object.entries(GCM))('AES-256-GCM, %s', (_, { seal, open }) => {
  test.each(MCGREW_VIEGA)('test case %d', async (_, key, iv, aad, pt, ct, tag) => {
    expect(await seal(key, iv, pt, aad)).toBe(ct + tag)
    expect(await open(key, iv, ct + tag, aad)).toBe(pt)
  })

  test.each(nist.gcmEncrypt)(
    'NIST encrypts $ptLen bits with $aadLen more, $iv',
    async ({ key, iv, pt, aad, ct, tag }) => {
      expect(await seal(key, iv, pt, aad)).toBe(ct + tag)
      if (aad === '') expect(await seal(key, iv, pt)).toBe(ct + tag)
    },
  )

  test.each(nist.gcmDecrypt)(
    'NIST decrypts $ptLen bits with $aadLen more, $iv',
    async ({ key, iv, pt, aad, ct, tag }) => {
      for (const given of aad === '' ? [aad, undefined] : [aad]) {
        const opened = open(key, iv, ct + tag, given)
        if (pt === undefined) await expect(opened).rejects.toThrow(SealError)
        else expect(await opened).toBe(pt)
      }
    },
  )

  test('shorter than a tag is nothing sealed', async () => {
    const { key, iv, tag } = nist.gcmEncrypt[0]!
    for (const short of ['', tag.slice(2), tag.slice(0, 24)]) {
      await expect(open(key, iv, short)).rejects.toThrow(SealError)
    }
  })
})

test('pieces are sealed as their whole', () => {
  const { key, iv, pt, aad, ct, tag } = nist.gcmEncrypt.find(({ ptLen }) => ptLen === 408)!
  for (let cut = 0; cut <= 51; cut++) {
    const pieces = [bytes(pt).subarray(0, cut), bytes(pt).subarray(cut)]
    expect(hex(...nodeGcm.sealGcm(bytes(key), bytes(iv), pieces, bytes(aad)))).toBe(ct + tag)
  }
})

/** Key, salt, info, answer. */
const WYCHEPROOF = [
  [1, '24aeff2645e3e0f5494a9a102778c43a', '', '', 'dd2599840b09699c6200b5cba79002b3aa75c61b'],
  [
    3,
    'a4748031a14d3e6aafe42aa20c568f5f',
    '',
    '',
    '62ea97e06051e40b79deb127a4da294f557cafa3d7a90a75c02064571dfbbe4699129bdcec4b39eed7757ce8e3571589f7d8f5523c0dc3fd6a56b099fb4bfd51',
  ],
  [
    8,
    'be0df9811ad0bf3b08358a3dc4a05981',
    'c98618bfeb59295f8bf1dd3804b1bf2c',
    '',
    'c5cc73041ea99289bfbc39aaf64595129b461651c69d3de5297d66f844b4d59257be9a82bddf228630c8',
  ],
  [
    12,
    '7a00817689a3d79001825a864c69c120',
    '08bc01c053a6406c7c4a667c9b9b3894',
    '967ccd75395be6e96a67759f070487c9e2107791',
    'aed987bcc5ed33c4feec7b28aa9fe1c16b1181e00ff42c63cf692ec19242f6d4628604b3382db0806d5e61518f83fc651e6f3bd0a9d1322926a76869b98b75d6',
  ],
] as const
test.each(WYCHEPROOF)('HKDF-SHA-512, Wycheproof %d', async (_, key, salt, info, answer) => {
  const size = answer.length / 2
  expect(hex(deriveKey(bytes(key), bytes(info), bytes(salt), size))).toBe(answer)
  expect(hex(await deriveBytes(bytes(key), bytes(info), bytes(salt), size))).toBe(answer)
})

test.each(nist.hkdf)('HKDF-SHA-512, NIST $tcId', async ({ salt, z, fixedInfo, dkm }) => {
  const info = Buffer.concat(fixedInfo.map(bytes))
  const size = dkm.length / 2
  expect(hex(deriveKey(bytes(z), info, bytes(salt), size)).toUpperCase()).toBe(dkm)
  expect(hex(await deriveBytes(bytes(z), info, bytes(salt), size)).toUpperCase()).toBe(dkm)
})

test('a label of text is its UTF-8', () => {
  const secret = bytes('00'.repeat(32))
  expect(deriveKey(secret, 'clé')).toEqual(deriveKey(secret, Buffer.from('clé')))
})
