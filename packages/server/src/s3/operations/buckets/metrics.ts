/** A bucket's metrics configurations: which requests CloudWatch is told of, and under which `FilterId`. */
import type { MetricsConfiguration, MetricsFilter } from '../../../objects/records.ts'
import { document, element, type XmlPiece } from '../../../protocols/xml-writer.ts'
import { S3Error } from '../../errors.ts'
import type { Operation } from '../../operation.ts'
import { OBJECT_TAGS, readTagElements, tagElements } from '../../tags.ts'
import { childrenNamed, childText, onlyChild, readXml, type XmlElement } from '../../xml-reader.ts'
import { readConfigurationId } from './configuration-id.ts'

const base = { target: 'bucket', audit: 'management' } as const
const XML = { 'content-type': 'application/xml' }
const MAX_CONFIGURATIONS = 1000
const PAGE = 100

export const getBucketMetricsConfiguration: Operation = {
  ...base,
  name: 'GetBucketMetricsConfiguration',
  method: 'GET',
  query: { metrics: undefined, id: undefined },
  action: 's3:GetMetricsConfiguration',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const id = readConfigurationId(request)
    const { metricsConfigurations = [] } = (await buckets.require(request.call, request.bucket)).value
    const found = metricsConfigurations.find((one) => one.id === id)
    if (!found) throw new S3Error('NoSuchConfiguration')
    return { status: 200, headers: XML, body: document('MetricsConfiguration', configurationElements(found)) }
  },
}

export const listBucketMetricsConfigurations: Operation = {
  ...base,
  name: 'ListBucketMetricsConfigurations',
  method: 'GET',
  query: { metrics: undefined },
  action: 's3:GetMetricsConfiguration',
  readOnly: true,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const token = request.query.get('continuation-token')
    const { metricsConfigurations = [] } = (await buckets.require(request.call, request.bucket)).value
    const after = token === undefined ? undefined : Buffer.from(token, 'base64url').toString()
    const left = metricsConfigurations.filter(({ id }) => after === undefined || id > after)
    const page = left.slice(0, PAGE)
    const more = left.length > PAGE
    return {
      status: 200,
      headers: XML,
      body: document('ListMetricsConfigurationsResult', [
        ...page.map((one) => element('MetricsConfiguration', configurationElements(one))),
        element('IsTruncated', more),
        element('ContinuationToken', token),
        element('NextContinuationToken', more ? Buffer.from(page.at(-1)!.id).toString('base64url') : undefined),
      ]),
    }
  },
}

export const putBucketMetricsConfiguration: Operation = {
  ...base,
  name: 'PutBucketMetricsConfiguration',
  method: 'PUT',
  query: { metrics: undefined },
  action: 's3:PutMetricsConfiguration',
  readOnly: false,
  body: { kind: 'document', maxBytes: 64 * 1024 },
  async run({ buckets }, request) {
    const id = readConfigurationId(request)
    const configuration = readConfiguration(readXml(await request.document()), id)
    await buckets.change(request.call, request.bucket, (record) => {
      const others = (record.metricsConfigurations ?? []).filter((one) => one.id !== id)
      if (others.length >= MAX_CONFIGURATIONS) throw new S3Error('TooManyConfigurations')
      return { ...record, metricsConfigurations: [...others, configuration].sort((a, b) => (a.id < b.id ? -1 : 1)) }
    })
    return { status: 200 }
  },
}

export const deleteBucketMetricsConfiguration: Operation = {
  ...base,
  name: 'DeleteBucketMetricsConfiguration',
  method: 'DELETE',
  query: { metrics: undefined },
  action: 's3:PutMetricsConfiguration',
  readOnly: false,
  body: { kind: 'none' },
  async run({ buckets }, request) {
    const id = readConfigurationId(request)
    await buckets.change(request.call, request.bucket, ({ metricsConfigurations = [], ...record }) => {
      const others = metricsConfigurations.filter((one) => one.id !== id)
      if (others.length === metricsConfigurations.length) throw new S3Error('NoSuchConfiguration')
      return others.length === 0 ? record : { ...record, metricsConfigurations: others }
    })
    return { status: 204 }
  },
}

function readConfiguration(root: XmlElement, id: string): MetricsConfiguration {
  if (root.name !== 'MetricsConfiguration') throw new S3Error('MalformedXML')
  const given = childText(root, 'Id')
  if (given === undefined) throw new S3Error('MalformedXML')
  if (given !== id) throw new S3Error('IdMismatch')
  const filter = onlyChild(root, 'Filter')
  return filter ? { id, filter: readFilter(filter) } : { id }
}

/** One predicate, or `And` with two at least. */
function readFilter(filter: XmlElement): MetricsFilter {
  if (filter.children.length !== 1) throw new S3Error('MalformedXML')
  const and = onlyChild(filter, 'And')
  const predicates = and ?? filter
  if (and && and.children.length < 2) throw new S3Error('MalformedXML')
  if (predicates.children.some(({ name }) => name === 'AccessPointArn')) {
    throw new S3Error('NotImplemented', {
      message: 'There are no access points on this server.',
      fields: { Element: 'AccessPointArn' },
    })
  }
  if (predicates.children.some(({ name }) => name !== 'Prefix' && name !== 'Tag')) throw new S3Error('MalformedXML')
  const prefix = childText(predicates, 'Prefix')
  const tags = readTagElements(childrenNamed(predicates, 'Tag'), OBJECT_TAGS)
  return { tags, ...(prefix !== undefined && { prefix }) }
}

function configurationElements({ id, filter }: MetricsConfiguration): XmlPiece[] {
  return [element('Id', id), element('Filter', filter && filterElements(filter))]
}

function filterElements({ prefix, tags }: MetricsFilter): XmlPiece[] {
  const predicates = [...(prefix === undefined ? [] : [element('Prefix', prefix)]), ...tagElements(tags)]
  return predicates.length === 1 ? predicates : [element('And', predicates)]
}
