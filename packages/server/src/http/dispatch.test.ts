import { expect, test } from 'vitest'
import { regionOf, serviceOf } from './dispatch.ts'

const scope = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`

test.each([
  ['s3', '/bucket/key', { authorization: scope('s3') }],
  ['kms', '/', { authorization: scope('kms') }],
  ['unknown', '/', { authorization: scope('dynamodb') }],
  ['kms', '/', { 'x-amz-target': 'TrentService.Decrypt' }],
  ['unknown', '/', { 'x-amz-target': 'Nobody.Does' }],
  ['monitoring', '/', { 'x-amz-target': 'GraniteServiceVersion20100801.ListMetrics' }],
  ['monitoring', '/service/GraniteServiceVersion20100801/operation/ListMetrics', { 'smithy-protocol': 'rpc-v2-cbor' }],
  ['unknown', '/service/Nobody/operation/ListMetrics', { 'smithy-protocol': 'rpc-v2-cbor' }],
  ['s3', '/service/GraniteServiceVersion20100801/operation/ListMetrics', {}],
  ['s3', '/', {}],
  ['sts', '/', { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }],
  ['sts', '/?Version=2011-06-15&Action=AssumeRoleWithWebIdentity', {}],
  ['s3', '/bucket', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['s3', '/', { 'content-type': 'multipart/form-data; boundary=x' }],
  ['s3', '/bucket?Action=x', {}],
  ['s3', '/b/k?X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=x', {}],
  ['kms', '/?X-Amz-Credential=AKIA/20260101/us-east-1/kms/aws4_request', {}],
  // The signature says who is meant, whatever another header says.
  ['s3', '/', { authorization: scope('s3'), 'x-amz-target': 'TrentService.Decrypt' }],
  ['s3', '/bucket', { authorization: 'AWS AKIA:signature' }],
])('%s: %s %j', (service, url, headers) => {
  expect(serviceOf(url, headers)).toBe(service)
})

test.each([
  ['us-east-1', '/', { authorization: scope('kms') }],
  ['eu-west-1', '/?X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Fkms%2Faws4_request&X-Amz-Date=x', {}],
  [undefined, '/', { 'x-amz-target': 'TrentService.Decrypt' }],
  [undefined, '/', { authorization: 'AWS AKIA:signature' }],
])('signed for %s: %s %j', (region, url, headers) => {
  expect(regionOf(url, headers)).toBe(region)
})
