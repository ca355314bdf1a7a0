/** Public Access Block: four switches that win over whatever a policy or an ACL gives to the public. */
import type { PublicAccessBlock } from '../../../objects/records.ts'
import { document, element } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childText, readXml, type XmlElement } from '../../xml-reader.ts'

const base = { target: 'bucket', query: { publicAccessBlock: undefined }, audit: 'management' } as const

/** Switches by their elements, in the order in which S3 writes them. */
const SWITCHES = [
  ['BlockPublicAcls', 'blockPublicAcls'],
  ['IgnorePublicAcls', 'ignorePublicAcls'],
  ['BlockPublicPolicy', 'blockPublicPolicy'],
  ['RestrictPublicBuckets', 'restrictPublicBuckets'],
] as const satisfies readonly (readonly [string, keyof PublicAccessBlock])[]

export const getPublicAccessBlock: Operation = {
  ...base,
  name: 'GetPublicAccessBlock',
  method: 'GET',
  action: 's3:GetBucketPublicAccessBlock',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const { publicAccessBlock } = (await buckets.require(request.call, request.bucket)).value
    if (!publicAccessBlock) {
      throw new S3Error('NoSuchPublicAccessBlockConfiguration', { fields: { BucketName: request.bucket } })
    }
    return {
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: document(
        'PublicAccessBlockConfiguration',
        SWITCHES.map(([name, key]) => element(name, publicAccessBlock[key])),
      ),
    }
  },
}

export const putPublicAccessBlock: Operation = {
  ...base,
  name: 'PutPublicAccessBlock',
  method: 'PUT',
  action: 's3:PutBucketPublicAccessBlock',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    const publicAccessBlock = readConfiguration(readXml(await request.document()))
    await buckets.change(request.call, request.bucket, (record) => ({ ...record, publicAccessBlock }))
    return { status: 200 }
  },
}

export const deletePublicAccessBlock: Operation = {
  ...base,
  name: 'DeletePublicAccessBlock',
  method: 'DELETE',
  action: 's3:PutBucketPublicAccessBlock',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    await buckets.change(request.call, request.bucket, ({ publicAccessBlock: _, ...record }) => record)
    return { status: 204 }
  },
}

/** A switch that is left out is off. */
function readConfiguration(root: XmlElement): PublicAccessBlock {
  if (root.name !== 'PublicAccessBlockConfiguration') throw new S3Error('MalformedXML')
  const read = (name: string) => {
    const text = (childText(root, name) ?? 'false').trim().toLowerCase()
    if (text !== 'true' && text !== 'false') throw new S3Error('MalformedXML')
    return text === 'true'
  }
  return Object.fromEntries(SWITCHES.map(([name, key]) => [key, read(name)])) as unknown as PublicAccessBlock
}
