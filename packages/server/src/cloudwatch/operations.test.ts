import * as sdk from '@aws-sdk/client-cloudwatch'
import { expect, test } from 'vitest'
import { CLOUDWATCH_OPERATIONS } from './operations.ts'

test('every command of the SDK has a row', () => {
  const commands = Object.keys(sdk).filter((name) => /.Command$/.test(name) && name !== '$Command')
  expect(commands.map((name) => name.replace(/Command$/, '')).sort()).toEqual(Object.keys(CLOUDWATCH_OPERATIONS).sort())
})
