import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { combineCrcs } from './crc-combine.ts'
import { startDigest } from './digests.ts'

async function crc(algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME', bytes: Uint8Array): Promise<Uint8Array> {
  const digest = await startDigest(algorithm)
  digest.update(bytes)
  return digest.final()
}

describe.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s', (algorithm) => {
  test('combined from parts is that of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }), async (parts) => {
        const known = await Promise.all(
          parts.map(async (bytes) => ({ crc: await crc(algorithm, bytes), length: bytes.length })),
        )
        const whole = await crc(algorithm, Buffer.concat(parts))
        expect(Buffer.from(combineCrcs(algorithm, known)).equals(whole)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('has the check value of its catalogue entry', async () => {
    const expected = { CRC32: 'cbf43926', CRC32C: 'e3069283', CRC64NVME: 'ae8b14860a799888' }[algorithm]
    expect(Buffer.from(await crc(algorithm, Buffer.from('123456789'))).toString('hex')).toBe(expected)
  })
})
