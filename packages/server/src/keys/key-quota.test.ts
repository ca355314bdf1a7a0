/** What each use of a key counts against, seen where it is counted. */
import { createHash } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { call } from '../policy/caller.fixture.ts'
import type { QuotaName } from '../quota/quotas.ts'
import { RecordStore } from '../records/record-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { MemoryCatalog } from '../storage/memory-catalog.ts'
import type { KeySpec, KeyUsage } from './key-specs.ts'
import { Kms } from './kms.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const secrets = new MemoryMaterialSecrets()

let kms: Kms
let counted: QuotaName[]
beforeEach(() => {
  counted = []
  kms = new Kms({
    secrets,
    records: new RecordStore(new MemoryCatalog(), StoreKey.of(new Uint8Array(32).fill(1)).derive('records')),
    storeKey: StoreKey.of(new Uint8Array(32).fill(2)),
    region: 'us-east-1',
    clock: { nowMs: () => 0 },
    observer: { observe: () => undefined },
    quota: {
      take(_, quota) {
        counted.push(quota)
        return 0
      },
    },
  })
})

const made = async (keySpec: KeySpec, keyUsage?: KeyUsage) =>
  (await kms.keys.createKey(call, { description: '', tags: [], keySpec, keyUsage })).keyId

const message = createHash('sha256').update('x').digest()
const SIGNERS = [
  ['RSA_2048', 'RSASSA_PSS_SHA_256', 'rsa'],
  ['ECC_NIST_P256', 'ECDSA_SHA_256', 'ecc'],
  ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'ecc'],
] as const
test.each(SIGNERS)('signatures of %s', async (spec, algorithm, quota) => {
  const request = { keyId: await made(spec, 'SIGN_VERIFY'), algorithm, messageType: 'DIGEST', message } as const
  const { signature } = await kms.signing.sign(call, { ...request, dryRun: false })
  await kms.signing.verify(call, { ...request, signature, dryRun: false })
  // GetPublicKey counts at the door, for keys of all kinds alike.
  await kms.pairs.publicKey(call, request.keyId)
  expect(counted).toEqual([quota, quota])
})

test('encryption, by the key that it ends under', async () => {
  const [rsa, symmetric] = [await made('RSA_2048', 'ENCRYPT_DECRYPT'), await made('SYMMETRIC_DEFAULT')]
  const encryptionContext = {}
  const algorithm = 'RSAES_OAEP_SHA_256'
  const { ciphertextBlob } = await kms.encrypt(call, { keyId: rsa, plaintext: message, encryptionContext, algorithm })
  await kms.decrypt(call, { keyId: rsa, ciphertextBlob, encryptionContext, algorithm })
  const source = { ciphertextBlob, sourceContext: {}, sourceKeyId: rsa, sourceAlgorithm: algorithm } as const
  await kms.reEncrypt(call, { ...source, destinationKeyId: symmetric, destinationContext: {} })
  expect(counted).toEqual(['rsa', 'rsa', 'symmetric'])
})

test('pairs, each kind by itself, and what is agreed on', async () => {
  const [symmetric, ecc] = [await made('SYMMETRIC_DEFAULT'), await made('ECC_NIST_P256', 'KEY_AGREEMENT')]
  const request = { keyId: symmetric, encryptionContext: {}, dryRun: false }
  await kms.pairs.generateDataKeyPair(call, { ...request, keyPairSpec: 'ECC_NIST_P384' }, 'kms:GenerateDataKeyPair')
  const { publicKey } = await kms.pairs.publicKey(call, ecc)
  await kms.pairs.deriveSharedSecret(call, { keyId: ecc, algorithm: 'ECDH', publicKey, dryRun: false })
  expect(counted).toEqual(['GenerateDataKeyPair_ECC_NIST_P384', 'ecc'])
})
