/** XML documents of S3: the strict reader, and what is read of it. */
import { deepStrictEqual } from 'node:assert'
import { Accounts } from '../../packages/server/src/identity/accounts.ts'
import { element, type XmlPiece } from '../../packages/server/src/protocols/xml-writer.ts'
import { readAclDocument } from '../../packages/server/src/s3/acl.ts'
import { requestParameters } from '../../packages/server/src/s3/audited-request.ts'
import { S3Error } from '../../packages/server/src/s3/errors.ts'
import { putBucketAcl } from '../../packages/server/src/s3/operations/buckets/acl.ts'
import { OBJECT_TAGS, readTagging, taggingDocument } from '../../packages/server/src/s3/tags.ts'
import { readXml, type XmlElement } from '../../packages/server/src/s3/xml-reader.ts'
import { errorsOf, INHERITED, reading, type Target } from '../target.ts'

const refusals = errorsOf(S3Error)
const ACCOUNTS = new Accounts([])
/** A configuration, of which the audit trail tells all. */
const AUDITED = {
  operation: putBucketAcl,
  bucket: 'bucket',
  objectKey: '',
  query: new Map<string, string>(),
  headers: {},
}

export const xml: Target = {
  name: 'xml',
  dictionary: [
    ...[
      '<',
      '>',
      '</',
      '/>',
      '<a>',
      '</a>',
      '<a/>',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '<?pi ?>',
      '\uFEFF',
      '\0',
      '\r\n',
    ],
    ...[
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      '&b;',
      '&amp;',
      '&#13;',
      '&#x0;',
      '&#1114112;',
      '&#xD800;',
      '&',
      ' xmlns="u"',
    ],
    ...['<?xml version="1.0" encoding="UTF-16"?>', '<?xml version="1.1"?>', 'n:', ':', '\u0085', '\u{1F511}'],
    ...[
      '<Tagging>',
      '<TagSet>',
      '<Tag>',
      '<Key>',
      '<Value>',
      '<AccessControlPolicy>',
      '<Grant>',
      '<Grantee>',
      ...INHERITED,
    ],
  ],
  check(input) {
    const read = reading(() => readXml(input), refusals)
    if ('value' in read) {
      deepStrictEqual(
        readXml(Buffer.from(written(read.value).markup)),
        read.value,
        'what was read is not what is written',
      )
    }
    const tags = reading(() => readTagging(input, OBJECT_TAGS), refusals)
    if ('value' in tags) deepStrictEqual(readTagging(Buffer.from(taggingDocument(tags.value)), OBJECT_TAGS), tags.value)
    reading(() => readAclDocument(ACCOUNTS, input), refusals)
    JSON.stringify(requestParameters({ ...AUDITED, document: input }))
  },
}

/** The text comes first: how much of it stood before which child is not kept. */
function written({ name, text, children }: XmlElement): XmlPiece {
  const inner = [{ markup: element('x', text).markup.slice('<x>'.length, -'</x>'.length) }, ...children.map(written)]
  return { markup: `<n:${name}>${inner.map(({ markup }) => markup).join('')}</n:${name}>` }
}
