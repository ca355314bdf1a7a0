import { expect, test } from 'vitest'
import { patterned, same } from '../content/bodies.fixture.ts'
import { platformContract } from '../platform.contract.ts'
import { nodePlatform } from './platform.ts'

platformContract(nodePlatform)

test('MACs tell blocks apart by key, number and bytes, not by how they came', () => {
  const macOf = nodePlatform.twoPass!.blockMacs()
  const mac = (block: number, pieces: Uint8Array[], of = macOf) => {
    const running = of(block)
    for (const piece of pieces) running.update(piece)
    return running.final()
  }
  const bytes = patterned(100_000)
  const first = mac(0, [bytes])
  expect(first).toHaveLength(16)
  for (const cut of [0, 1, 15, 16, 17, 65_536]) {
    expect(same(mac(0, [bytes.subarray(0, cut), bytes.subarray(cut)]), first)).toBe(true)
  }
  expect(same(mac(1, [bytes]), first)).toBe(false)
  expect(same(mac(0, [bytes.subarray(1)]), first)).toBe(false)
  expect(same(mac(0, [bytes], nodePlatform.twoPass!.blockMacs()), first)).toBe(false)
})
