/** ListObjects (v1), ListObjectsV2 and ListObjectVersions. */
import type { Accounts } from '../../../identity/accounts.ts'
import type { ListedObject } from '../../../objects/listing.ts'
import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { ownerElement, prefixElements, readListInput } from './list-input.ts'

const base = { method: 'GET', target: 'bucket', audit: 'management', readOnly: true, body: { kind: 'none' } } as const
const XML = { 'content-type': 'application/xml' }

export const listObjectsV2: Operation = {
  ...base,
  name: 'ListObjectsV2',
  query: { 'list-type': '2' },
  action: 's3:ListBucket',
  async run({ accounts, listing }, request) {
    const { query, call } = request
    const input = readListInput(request, 'max-keys')
    const token = query.get('continuation-token')
    const startAfter = query.get('start-after') ?? ''
    const page = await listing.objects(call, {
      ...input,
      startAfter: token === undefined ? startAfter : readToken(token),
    })
    const count = page.entries.length + page.commonPrefixes.length
    const owned = query.get('fetch-owner') === 'true' ? accounts : undefined
    return {
      status: 200,
      headers: XML,
      body: document('ListBucketResult', [
        element('Name', request.bucket),
        element('Prefix', input.encode(input.prefix)),
        element('StartAfter', startAfter === '' ? undefined : input.encode(startAfter)),
        element('ContinuationToken', token),
        element('NextContinuationToken', page.next === undefined ? undefined : makeToken(page.next)),
        element('KeyCount', count),
        element('MaxKeys', input.maxKeys),
        element('Delimiter', input.delimiter === '' ? undefined : input.encode(input.delimiter)),
        element('EncodingType', input.encodingType),
        element('IsTruncated', page.next !== undefined),
        ...page.entries.map((entry) => element('Contents', objectElements(entry, input.encode, owned))),
        ...prefixElements(page.commonPrefixes, input.encode),
      ]),
    }
  },
}

export const listObjects: Operation = {
  ...base,
  name: 'ListObjects',
  action: 's3:ListBucket',
  async run({ accounts, listing }, request) {
    const input = readListInput(request, 'max-keys')
    const marker = request.query.get('marker') ?? ''
    const page = await listing.objects(request.call, { ...input, startAfter: marker })
    // AWS gives the next marker only with a delimiter; without one the client takes the last key.
    const nextMarker = page.next !== undefined && input.delimiter !== '' ? input.encode(page.next) : undefined
    return {
      status: 200,
      headers: XML,
      body: document('ListBucketResult', [
        element('Name', request.bucket),
        element('Prefix', input.encode(input.prefix)),
        element('Marker', input.encode(marker)),
        element('NextMarker', nextMarker),
        element('MaxKeys', input.maxKeys),
        element('Delimiter', input.delimiter === '' ? undefined : input.encode(input.delimiter)),
        element('EncodingType', input.encodingType),
        element('IsTruncated', page.next !== undefined),
        ...page.entries.map((entry) => element('Contents', objectElements(entry, input.encode, accounts))),
        ...prefixElements(page.commonPrefixes, input.encode),
      ]),
    }
  },
}

export const listObjectVersions: Operation = {
  ...base,
  name: 'ListObjectVersions',
  query: { versions: undefined },
  action: 's3:ListBucketVersions',
  async run({ accounts, listing }, request) {
    const input = readListInput(request, 'max-keys')
    const keyMarker = request.query.get('key-marker') ?? ''
    const versionIdMarker = request.query.get('version-id-marker') || undefined
    if (versionIdMarker !== undefined && keyMarker === '') {
      throw new S3Error('InvalidArgument', { message: 'A version-id marker cannot be specified without a key marker.' })
    }
    const page = await listing.versions(request.call, { ...input, keyMarker, versionIdMarker })
    return {
      status: 200,
      headers: XML,
      body: document('ListVersionsResult', [
        element('Name', request.bucket),
        element('Prefix', input.encode(input.prefix)),
        element('KeyMarker', input.encode(keyMarker)),
        element('VersionIdMarker', versionIdMarker ?? ''),
        element('NextKeyMarker', page.nextKeyMarker === undefined ? undefined : input.encode(page.nextKeyMarker)),
        element('NextVersionIdMarker', page.nextVersionIdMarker),
        element('MaxKeys', input.maxKeys),
        element('Delimiter', input.delimiter === '' ? undefined : input.encode(input.delimiter)),
        element('EncodingType', input.encodingType),
        element('IsTruncated', page.nextKeyMarker !== undefined),
        ...page.entries.map((entry) => {
          const head = [
            element('Key', input.encode(entry.objectKey)),
            element('VersionId', entry.versionId),
            element('IsLatest', entry.isLatest),
          ]
          if (!entry.object) {
            const modified = element('LastModified', new Date(entry.lastModifiedMs).toISOString())
            return element('DeleteMarker', [...head, modified, ownerElement(accounts, entry.ownerAccountId)])
          }
          return element('Version', [...head, ...objectElements(entry.object, input.encode, accounts).slice(1)])
        }),
        ...prefixElements(page.commonPrefixes, input.encode),
      ]),
    }
  },
}

/** `accounts` given: with the object's owner. */
function objectElements(
  entry: ListedObject,
  encode: (text: string) => string,
  accounts: Accounts | undefined,
): XmlPiece[] {
  return [
    element('Key', encode(entry.objectKey)),
    element('LastModified', new Date(entry.lastModifiedMs).toISOString()),
    element('ETag', `"${entry.etag}"`),
    element('ChecksumAlgorithm', entry.checksum?.algorithm),
    element('ChecksumType', entry.checksum?.type),
    element('Size', entry.plaintextSize),
    ...(accounts ? [ownerElement(accounts, entry.ownerAccountId)] : []),
    element('StorageClass', entry.storageClass),
  ]
}

/** Opaque to the client: the last name of the page before. */
const makeToken = (next: string) => `1${Buffer.from(next).toString('base64url')}`

function readToken(token: string): string {
  if (!/^1[A-Za-z0-9_-]*$/.test(token)) {
    throw new S3Error('InvalidArgument', {
      message: 'The continuation token provided is incorrect',
      fields: { ArgumentName: 'continuation-token', ArgumentValue: token },
    })
  }
  return Buffer.from(token.slice(1), 'base64url').toString()
}
