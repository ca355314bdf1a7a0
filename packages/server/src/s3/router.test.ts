import { expect, test } from 'vitest'
import { operations } from './operations/index.ts'
import { type RoutedRequest, Router, requireRunnable } from './router.ts'

const router = new Router(operations)
const route = (method: string, target: 'service' | 'bucket' | 'object', query: string, headers = {}) =>
  routed({ method, target, query: new Map(new URLSearchParams(query)), headers })
const routed = (request: RoutedRequest) => requireRunnable(router.find(request), request)

test.each([
  ['ListBuckets', 'GET', 'service', ''],
  ['ListObjects', 'GET', 'bucket', 'prefix=a'],
  ['ListObjectsV2', 'GET', 'bucket', 'list-type=2'],
  ['ListObjectVersions', 'GET', 'bucket', 'versions'],
  ['ListMultipartUploads', 'GET', 'bucket', 'uploads'],
  ['GetBucketEncryption', 'GET', 'bucket', 'encryption'],
  ['DeleteObjects', 'POST', 'bucket', 'delete'],
  ['PutObject', 'PUT', 'object', ''],
  ['PostObject', 'POST', 'bucket', ''],
  ['UploadPart', 'PUT', 'object', 'partNumber=1&uploadId=x'],
  ['CreateMultipartUpload', 'POST', 'object', 'uploads'],
  ['CompleteMultipartUpload', 'POST', 'object', 'uploadId=x'],
  ['AbortMultipartUpload', 'DELETE', 'object', 'uploadId=x'],
  ['PutObjectTagging', 'PUT', 'object', 'tagging&versionId=x'],
  ['GetBucketTagging', 'GET', 'bucket', 'tagging'],
  ['PutObjectLockConfiguration', 'PUT', 'bucket', 'object-lock'],
  ['PutObjectRetention', 'PUT', 'object', 'retention&versionId=x'],
  ['GetObjectLegalHold', 'GET', 'object', 'legal-hold'],
  ['ListParts', 'GET', 'object', 'uploadId=x'],
  ['GetObject', 'GET', 'object', 'versionId=x&response-content-type=a'],
  ['GetBucketCors', 'GET', 'bucket', 'cors'],
  ['DeleteBucketLifecycle', 'DELETE', 'bucket', 'lifecycle'],
  ['ListBucketInventoryConfigurations', 'GET', 'bucket', 'inventory&continuation-token=x'],
  ['GetBucketInventoryConfiguration', 'GET', 'bucket', 'inventory&id=x'],
  ['GetObjectAttributes', 'GET', 'object', 'attributes&versionId=x'],
  ['ListObjectAnnotations', 'GET', 'object', 'annotation'],
  ['GetObjectAnnotation', 'GET', 'object', 'annotation&annotationName=x'],
  ['OptionsObject', 'OPTIONS', 'service', ''],
  ['OptionsObject', 'OPTIONS', 'bucket', 'cors'],
  ['OptionsObject', 'OPTIONS', 'object', 'X-Amz-Signature=x'],
] as const)('%s', (name, method, target, query) => {
  expect(route(method, target, query).name).toBe(name)
})

test('a header tells a copy', () => {
  const copies = { 'x-amz-copy-source': 'b/k' }
  expect(route('PUT', 'object', '', copies).name).toBe('CopyObject')
  expect(route('PUT', 'object', 'partNumber=1&uploadId=x', copies).name).toBe('UploadPartCopy')
})

test.each([
  ['PutBucketReplication', 'PUT', 'bucket', 'replication'],
  ['UpdateBucketMetadataAnnotationTableConfiguration', 'PUT', 'bucket', 'metadataAnnotationTable'],
  ['DeleteObjectAnnotation', 'DELETE', 'object', 'annotation'],
] as const)('%s is refused by name and falls through to nothing', (name, method, target, query) => {
  expect(() => route(method, target, query)).toThrow(`${name} is not implemented by this server.`)
})

test('a method that a target does not have', () => {
  expect(() => route('PATCH', 'object', '')).toThrow(expect.objectContaining({ code: 'MethodNotAllowed', status: 405 }))
})
