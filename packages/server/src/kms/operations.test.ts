import * as sdk from '@aws-sdk/client-kms'
import { expect, test } from 'vitest'
import { KMS_OPERATIONS } from './operations.ts'

test('every command of the SDK has a row', () => {
  const commands = Object.keys(sdk).filter((name) => /.Command$/.test(name) && name !== '$Command')
  expect(commands.map((name) => name.replace(/Command$/, '')).sort()).toEqual(Object.keys(KMS_OPERATIONS).sort())
})
