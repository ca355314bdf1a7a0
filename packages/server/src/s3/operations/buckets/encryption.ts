/** A bucket's default encryption, and what it blocks. */
import type { BucketEncryption } from '../../../objects/types.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childrenNamed, childText, onlyChild, readXml, type XmlElement } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { encryption: undefined }, audit: 'management' } as const

export const getBucketEncryption: Operation = {
  ...base,
  name: 'GetBucketEncryption',
  method: 'GET',
  action: 's3:GetEncryptionConfiguration',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const encryption = await buckets.encryption(request.call, request.bucket)
    const blocked = encryption.blockedEncryptionTypes
    const rule = [
      element('ApplyServerSideEncryptionByDefault', [
        element('SSEAlgorithm', encryption.algorithm),
        element('KMSMasterKeyID', encryption.kmsKeyId),
      ]),
      element('BucketKeyEnabled', encryption.bucketKeyEnabled),
      element(
        'BlockedEncryptionTypes',
        blocked.length === 0 ? undefined : blocked.map((type) => element('EncryptionType', type)),
      ),
    ]
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: document('ServerSideEncryptionConfiguration', [element('Rule', rule)]),
    }
  },
}

export const putBucketEncryption: Operation = {
  ...base,
  name: 'PutBucketEncryption',
  method: 'PUT',
  action: 's3:PutEncryptionConfiguration',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    await buckets.putEncryption(request.call, request.bucket, readConfiguration(readXml(await request.document())))
    return { status: 200 }
  },
}

export const deleteBucketEncryption: Operation = {
  ...base,
  name: 'DeleteBucketEncryption',
  method: 'DELETE',
  action: 's3:PutEncryptionConfiguration',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    await buckets.deleteEncryption(request.call, request.bucket)
    return { status: 204 }
  },
}

type Configuration = Omit<BucketEncryption, 'blockedEncryptionTypes'> & {
  blockedEncryptionTypes: BucketEncryption['blockedEncryptionTypes'] | undefined
}

function readConfiguration(root: XmlElement): Configuration {
  const rules = childrenNamed(root, 'Rule')
  if (root.name !== 'ServerSideEncryptionConfiguration' || rules.length !== 1) throw new S3Error('MalformedXML')
  const rule = rules[0]!
  const byDefault = onlyChild(rule, 'ApplyServerSideEncryptionByDefault')
  const algorithm = byDefault ? childText(byDefault, 'SSEAlgorithm') : 'AES256'
  const kmsKeyId = byDefault && childText(byDefault, 'KMSMasterKeyID')
  if (algorithm !== 'AES256' && algorithm !== 'aws:kms' && algorithm !== 'aws:kms:dsse')
    throw new S3Error('MalformedXML')
  if (algorithm === 'AES256' && kmsKeyId !== undefined) {
    throw new S3Error('InvalidArgument', {
      message: 'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
      fields: { ArgumentName: 'ApplyServerSideEncryptionByDefault' },
    })
  }
  const bucketKey = childText(rule, 'BucketKeyEnabled')
  if (bucketKey !== undefined && bucketKey !== 'true' && bucketKey !== 'false') throw new S3Error('MalformedXML')
  return {
    algorithm,
    kmsKeyId,
    bucketKeyEnabled: bucketKey === 'true',
    blockedEncryptionTypes: readBlocked(onlyChild(rule, 'BlockedEncryptionTypes')),
  }
}

/** Left out: what is blocked stays so. `NONE` blocks nothing. */
function readBlocked(blocked: XmlElement | undefined): readonly 'SSE-C'[] | undefined {
  if (!blocked) return undefined
  const types = childrenNamed(blocked, 'EncryptionType').map((type) => type.text)
  if (types.length !== 1 || (types[0] !== 'NONE' && types[0] !== 'SSE-C')) throw new S3Error('MalformedXML')
  return types[0] === 'NONE' ? [] : ['SSE-C']
}
