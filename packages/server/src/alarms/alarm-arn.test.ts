import { expect, test } from 'vitest'
import { alarmArn, alarmNameOfArn, isActionArn } from './alarm-arn.ts'

test.each([
  ['arn:aws:sns:us-east-1:000000000000:ops', true],
  ['arn:aws:automate:us-east-1:ec2:stop', true],
  ['arn:aws:lambda:us-east-1:000000000000:function:f:alias', true],
  ['arn:aws:ssm:us-east-1:000000000000:opsitem:3#CATEGORY=Security', true],
  ['arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:u:autoScalingGroupName/g:policyName/p', true],
  ['arn:aws-cn:sns:cn-north-1:000000000000:ops', true],
  ['arn:aws:automate:us-east-1:ec2:dance', false],
  ['arn:aws:s3:::bucket', false],
  ['arn:aws:sns:us-east-1:000000000000:', false],
  ['https://example.com/', false],
  ['', false],
])('an action of an alarm: %s', (arn, isOne) => {
  expect(isActionArn(arn)).toBe(isOne)
})

test('the name in an ARN, of this account and Region only', () => {
  const scope = { accountId: '000000000000', region: 'us-east-1' }
  expect(alarmNameOfArn(scope, alarmArn(scope, 'a:b/c'))).toBe('a:b/c')
  expect(alarmNameOfArn(scope, alarmArn({ ...scope, region: 'eu-west-1' }, 'a'))).toBeUndefined()
  expect(alarmNameOfArn(scope, alarmArn(scope, ''))).toBeUndefined()
})
