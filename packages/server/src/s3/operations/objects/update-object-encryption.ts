/**
 * UpdateObjectEncryption: another key for an object that is there (AWS S3 API reference). As at AWS it goes to SSE-KMS
 * only, and leaves locked versions as they are. With our header `x-strongroom-any-encryption: true` it also goes to SSE-S3 and
 * DSSE-KMS, and from DSSE-KMS, and to locked versions: what Object Lock keeps is the plaintext, which stays.
 */
import { Fault } from '../../../core/fault.ts'
import type { EncryptionTarget } from '../../../objects/encryption-change.ts'
import { isLocked } from '../../../objects/object-lock.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { childText, onlyChild, readXml, type XmlElement } from '../../xml-reader.ts'

const ANY = 'x-strongroom-any-encryption'
/** What was done, told where the header is: `already`, `rewrapped` or `sealed-anew`. */
const CHANGE = 'x-strongroom-encryption-change'
const KEY_ARN = /^arn:aws[\w-]*:kms:[a-z0-9-]+:(\d{12}):key\/[\w-]+$/

export const updateObjectEncryption: Operation = {
  name: 'UpdateObjectEncryption',
  method: 'PUT',
  target: 'object',
  query: { encryption: undefined },
  action: 's3:UpdateObjectEncryption',
  // What the conditions see of the new encryption stands in the body.
  access: () => [],
  audit: 'data',
  readOnly: false,
  body: { kind: 'document', maxBytes: 16 * 1024 },
  async run({ encryptionChanges, buckets, clock }, request) {
    const { bucket, objectKey, query, call } = request
    if (call.signature?.version !== 'v4') throw invalid(WORDS.signature)
    const any = request.headers[ANY] === 'true'
    const target = readTarget(readXml(await request.document()), any)
    const object = { bucket, objectKey, versionId: query.get('versionId') }
    const newEncryption = { method: target.kind, keyArn: 'keyArn' in target ? target.keyArn : undefined }
    await request.authorize({ ...object, action: 's3:UpdateObjectEncryption', newEncryption })
    const { accountId } = await buckets.find(bucket)
    if (target.kind !== 'AES256' && KEY_ARN.exec(target.keyArn)![1] !== accountId) {
      throw new S3Error('AccessDenied', { message: WORDS.account })
    }
    const { change, versionId } = await encryptionChanges.change(call, object, target, ({ version }) => {
      if (!any && isLocked(version.lock, clock.nowMs())) throw new S3Error('AccessDenied', { message: WORDS.locked })
      if (version.protection.method === 'aws:kms:dsse' && !any) {
        throw new Fault('EncryptionRefused', { refusal: 'SourceNotChangeable' })
      }
    })
    request.notes.versionId = versionId
    request.notes.encryption = target.kind
    return { status: 200, headers: any ? { [CHANGE]: change } : {} }
  },
}

function readTarget(root: XmlElement, any: boolean): EncryptionTarget {
  if (root.name !== 'ObjectEncryption') throw new S3Error('MalformedXML')
  const [kms, dsse] = [onlyChild(root, 'SSE-KMS'), onlyChild(root, 'DSSE-KMS')]
  if (any && onlyChild(root, 'SSE-S3')) return { kind: 'AES256' }
  if (any && dsse) return { kind: 'aws:kms:dsse', keyArn: readKeyArn(dsse) }
  if (dsse || onlyChild(root, 'SSE-C')) throw invalid(WORDS.target)
  if (!kms) throw invalid(WORDS.type)
  const bucketKey = childText(kms, 'BucketKeyEnabled')
  if (bucketKey !== undefined && bucketKey !== 'true' && bucketKey !== 'false') throw invalid(WORDS.bucketKey)
  return { kind: 'aws:kms', keyArn: readKeyArn(kms), bucketKeyEnabled: bucketKey === 'true' }
}

function readKeyArn(element: XmlElement): string {
  const arn = childText(element, 'KMSKeyArn')
  if (arn === undefined || arn === '') throw invalid(WORDS.arnMissing)
  if (!KEY_ARN.test(arn)) throw invalid(WORDS.arn)
  return arn
}

const invalid = (message: string) => new S3Error('InvalidRequest', { message })

/** As the API reference has them. */
const WORDS = {
  signature:
    'Requests that modify an object encryption configuration require Amazon Web Services Signature Version 4. Modify the request to use Amazon Web Services Signature Version 4, and then try again.',
  target:
    "The UpdateObjectEncryption operation doesn't support updating the encryption type to DSSE-KMS or SSE-C. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.",
  type: 'Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.',
  arnMissing:
    "Requests that modify an object's encryption type to SSE-KMS require an Amazon Web Services KMS key Amazon Resource Name (ARN). Modify the request to specify a KMS key ARN, and then try again.",
  arn: "Requests that modify an object's encryption type to SSE-KMS require a valid Amazon Web Services KMS key Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.",
  bucketKey:
    "The BucketKeyEnabled value isn't valid. Valid values are true or false. Modify the request to specify a valid value, and then try again.",
  locked:
    "The encryption type for the specified object can't be updated because that object is protected by S3 Object Lock. If the object has a governance-mode retention period or a legal hold, you must first remove the Object Lock status on the object before you issue your UpdateObjectEncryption request. You can't use the UpdateObjectEncryption operation with objects that have an Object Lock compliance mode retention period applied to them.",
  account:
    'The Amazon Web Services KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same account, and then try again.',
} as const
