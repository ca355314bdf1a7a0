/** Nothing that was found once comes back, and the explorer finds what there is to be found. */
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { corpusOf } from './corpus.ts'
import { explore } from './explore.ts'
import { reading, type Target } from './target.ts'
import { TARGETS } from './targets/index.ts'

const FOLDER = new URL('corpus', import.meta.url).pathname

describe('the corpus', () => {
  it.each(TARGETS)('of $name is read as it must be', async (target) => {
    const entries = await corpusOf(FOLDER, target)
    expect(entries.length).toBeGreaterThan(0)
    for (const { name, bytes } of entries) {
      await expect(Promise.resolve(bytes).then(target.check), name).resolves.toBeUndefined()
    }
  })

  it('has no folder that no target reads', () => {
    const names = TARGETS.map(({ name }) => name)
    expect(existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => !names.includes(name)) : []).toEqual([])
  })
})

describe('the explorer', () => {
  const target: Target = {
    name: 'planted',
    dictionary: ['abc', 'xyz'],
    check(input) {
      const text = Buffer.from(input).toString('latin1')
      const read = reading(
        () => {
          if (text.includes('abc')) throw new RangeError('refused')
          if (text.includes('y')) throw new TypeError('planted')
        },
        (error) => (error instanceof RangeError ? 'refused' : undefined),
      )
      if ('refused' in read && text.includes('abcabcabc')) throw new Error('planted deeper')
    },
  }

  it('finds a fault, makes its input small, and leaves refusals alone', async () => {
    const { finding } = await explore(target, [Buffer.from('seed')], { seed: 1, forMs: 10_000 })
    expect(finding?.error).toMatchObject({ message: expect.stringContaining('planted') })
    expect(finding!.input!.length).toBeLessThan(40)
    expect(() => target.check(finding!.input!)).toThrow('planted')
  })

  it('comes to the same finding from the same seed', async () => {
    const runs = [1, 2].map(() => explore(target, [Buffer.from('seed')], { seed: 7, forMs: 10_000 }))
    const [one, other] = await Promise.all(runs)
    expect(one!.finding!.input).toEqual(other!.finding!.input)
  })
})
