import { describe, expect, test } from 'vitest'
import { parseSearch } from './search.ts'

const metric = (namespace: string, name: string, dimensions: Readonly<Record<string, string>> = {}) => ({
  ...{ namespace, name },
  dimensions: Object.entries(dimensions).map(([key, value]) => ({ name: key, value })),
})

describe('search expressions', () => {
  const check = (found: ReturnType<typeof metric>, cases: readonly [search: string, finds: boolean][]) => {
    for (const [search, finds] of cases) expect(parseSearch(search).finds(found), search).toBe(finds)
  }

  test('find parts of names, as the user guide says', () => {
    check(metric('App', 'CustomCount1'), [
      ['count', true],
      ['Count', true],
      ['COUNT', true],
      ['couNT', false],
      ['CustomCount', true],
      ['Count1', true],
      ['customcount', false],
      ['count1', false],
      ['customcount1', true],
      ['1', true],
      ['Cust', false],
    ])
    check(metric('App', 'SDBFailure'), [
      ['sdb', true],
      ['failure', true],
      ['sdbfailure', true],
      ['SDBFail', false],
    ])
    for (const name of ['Network-Errors-2', 'NetworkErrors2'])
      check(metric('App', name), [
        ['network/errors', true],
        ['network+errors', true],
        ['network-errors', true],
        ['Network_Errors', true],
      ])
  })

  test('find exact names between quotation marks', () => {
    check(metric('AWS/S3', 'CustomCount1', { Dimension: 'Europe\\France Traffic(Network)' }), [
      ['"CustomCount1"', true],
      ['"customcount1"', false],
      ['"Custom"', false],
      ['"AWS/S3"', true],
      ['"Dimension"', true],
      ['"Europe\\\\France Traffic\\(Network\\)"', true],
    ])
  })

  test('may say which schema', () => {
    check(metric('AWS/EC2', 'CPUUtilization', { InstanceId: 'i-1', Zone: 'a' }), [
      ['{AWS/EC2}', true],
      ['{AWS/EC2,Zone,InstanceId}', true],
      ['{AWS/EC2, InstanceId}', false],
      ['{AWS/EC2,InstanceId,Other}', false],
      ['{AWS/S3}', false],
      [' { "AWS/EC2" , "InstanceId" , Zone } , "CPUUtilization" ', true],
      ['{AWS/EC2} "Other"', false],
    ])
  })

  test('may say which property', () => {
    check(metric('AWS/EC2', 'CPUUtilization', { InstanceType: 't2.micro' }), [
      ['InstanceType=micro', true],
      ['InstanceType="t2.micro" Namespace="AWS/EC2"', true],
      ['InstanceType="micro"', false],
      ['MetricName="CPUUtilization"', true],
      ['MetricName=micro', false],
      ['Namespace=AWS', true],
      ['Other=micro', false],
    ])
  })

  test('combine terms', () => {
    check(metric('AWS/EC2', 'ReadOps', { Project: 'ProjectA' }), [
      ['read AND ops', true],
      ['read ops', true],
      ['read network', false],
      ['read OR network', true],
      ['NOT network', true],
      ['NOT Namespace=AWS', false],
      ['MetricName=ReadOps NOT "ProjectA"', false],
      ['MetricName=ReadOps NOT "ProjectB" NOT "ProjectC"', true],
      ['(EC2 OR EBS) AND MetricName=ReadOps', true],
      ['(EBS OR SQS) MetricName=ReadOps', false],
      ['MetricName="Errors" OR (MetricName="ReadOps" AND (ProjectA OR ProjectB))', true],
      ['network OR read AND ops', true],
      ['network AND read OR ops', true],
      ['network AND (read OR ops)', false],
    ])
  })

  test('what cannot be read is refused', () => {
    for (const search of [
      '',
      '  ',
      '{}',
      '{A,}',
      '(a',
      'a)',
      '"a',
      'a OR',
      'NOT',
      '=a',
      'a=',
      'a = = b',
      `${'('.repeat(21)}a${')'.repeat(21)}`,
      'a'.repeat(1025),
    ])
      expect(() => parseSearch(search), search).toThrow('The search expression cannot be read')
  })

  test('tell the store what to look through', () => {
    expect(parseSearch('{A,B} c').filter).toEqual({ namespace: 'A', dimensions: [{ name: 'B' }] })
    expect(parseSearch('c').filter).toEqual({})
  })
})
