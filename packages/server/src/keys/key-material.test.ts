/** Material that is used for codes, held against the vectors of RFC 4231 and NIST's (vectors/nist.json names them). */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { StoreKey } from '../root-key/store-key.ts'
import { MAC_ALGORITHMS, type MacAlgorithm } from './algorithms.ts'
import { KeyMaterial } from './key-material.ts'
import type { KmsKey } from './kms-records.ts'
import { MemoryMaterialSecrets } from './memory-secrets.ts'

const root = new Uint8Array(32).fill(2)
const arn = 'arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001'

type Spec = 'HMAC_224' | 'HMAC_256' | 'HMAC_384' | 'HMAC_512'

/** A key of material that we choose, wrapped as that of every key is. */
function keyOf(material: Uint8Array, keySpec: Spec): KmsKey {
  const wrapped = StoreKey.of(root)
    .derive('KMS key material')
    .wrap(material, Buffer.from(`${arn} material 1`))
  return {
    accountId: '111111111111',
    keyId: arn.split('/')[1]!,
    arn,
    description: '',
    manager: 'CUSTOMER',
    tags: [],
    keySpec,
    createdAtMs: 0,
    state: 'Enabled',
    material: [wrapped],
  }
}

const CASES = [
  { key: Buffer.alloc(20, 0x0b), data: 'Hi There' },
  { key: Buffer.from('Jefe'), data: 'what do ya want for nothing?' },
] as const
const ANSWERS = [
  ['HMAC_224', 0, '896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22'],
  ['HMAC_256', 0, 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  ['HMAC_384', 0, 'afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6'],
  [
    'HMAC_512',
    0,
    '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
  ],
  ['HMAC_224', 1, 'a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44'],
  ['HMAC_256', 1, '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
] as const

test.each(ANSWERS)('%s, case %d of RFC 4231', (spec, index, answer) => {
  const { key, data } = CASES[index]
  expect(macs(key, spec, Buffer.from(data))).toEqual([answer, answer])
})

interface Row {
  readonly algorithm: MacAlgorithm
  readonly name: string
  readonly key: string
  readonly msg: string
  readonly mac: string
}
const nist: { readonly hmac: readonly Row[] } = JSON.parse(
  readFileSync(new URL('vectors/nist.json', import.meta.url), 'utf8'),
)
test.each(nist.hmac)('$algorithm of NIST, $name', ({ algorithm, key, msg, mac }) => {
  const spec = algorithm.replace('SHA_', '') as Spec
  const answer = mac.toLowerCase()
  const made = macs(Buffer.from(key, 'hex'), spec, Buffer.from(msg, 'hex'))
  expect(made.map((hex) => hex.slice(0, answer.length))).toEqual([answer, answer])
})

/** Twice; the second comes from material that is open already. */
function macs(key: Uint8Array, spec: Spec, message: Uint8Array): string[] {
  const material = new KeyMaterial(StoreKey.of(root), new MemoryMaterialSecrets())
  const kmsKey = keyOf(key, spec)
  const hash = MAC_ALGORITHMS[spec.replace('_', '_SHA_') as MacAlgorithm]
  const mac = () => Buffer.from(material.mac(kmsKey, hash, message)).toString('hex')
  return [mac(), mac()]
}
