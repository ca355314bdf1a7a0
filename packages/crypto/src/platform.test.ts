/**
 * What both providers build on gives the published answers: AES-256-GCM on Node and Web, and HKDF-SHA-512.
 * Sources: "The Galois/Counter Mode of Operation", McGrew and Viega, appendix B, test cases 13 to 16; Wycheproof
 * (https://github.com/C2SP/wycheproof, commit 427a648c39e2edea11b75bcdcd72eea3da482d6f), testvectors_v1/hkdf_sha512.
 */
import { createCipheriv, hkdfSync, webcrypto } from 'node:crypto'
import { expect, test } from 'vitest'
import { deriveKey } from './node/index.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const hex = (...parts: (Uint8Array | ArrayBuffer)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array))).toString('hex')

const KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const IV = 'cafebabefacedbaddecaf888'
const PLAIN =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const SEALED =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
const GCM = [
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
test.each(GCM)('AES-256-GCM, test case %d', async (_, key, iv, aad, plaintext, ciphertext, tag) => {
  const cipher = createCipheriv('aes-256-gcm', bytes(key), bytes(iv)).setAAD(bytes(aad))
  expect(hex(cipher.update(bytes(plaintext)), cipher.final(), cipher.getAuthTag())).toBe(ciphertext + tag)

  const webKey = await webcrypto.subtle.importKey('raw', bytes(key), 'AES-GCM', false, ['encrypt'])
  const algorithm = { name: 'AES-GCM', iv: bytes(iv), additionalData: bytes(aad) }
  expect(hex(await webcrypto.subtle.encrypt(algorithm, webKey, bytes(plaintext)))).toBe(ciphertext + tag)
})

/** Key, salt, info, answer. */
const HKDF = [
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
test.each(HKDF)('HKDF-SHA-512, Wycheproof %d', async (_, key, salt, info, answer) => {
  const size = answer.length / 2
  expect(hex(hkdfSync('sha512', bytes(key), bytes(salt), bytes(info), size))).toBe(answer)
  const webKey = await webcrypto.subtle.importKey('raw', bytes(key), 'HKDF', false, ['deriveBits'])
  const algorithm = { name: 'HKDF', hash: 'SHA-512', salt: bytes(salt), info: bytes(info) }
  expect(hex(await webcrypto.subtle.deriveBits(algorithm, webKey, 8 * size))).toBe(answer)
  // A label is text, which the other infos are not.
  if (info === '') expect(hex(deriveKey(bytes(key), '', bytes(salt), size))).toBe(answer)
})
