import { expect, test } from 'vitest'
import { platformContract } from '../platform.contract.ts'
import { webPlatform } from './platform.ts'

platformContract(webPlatform)

test('it does not say that it can read a message in two passes', () => {
  expect(webPlatform.twoPass).toBeUndefined()
})
