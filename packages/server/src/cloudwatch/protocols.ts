/**
 * CloudWatch speaks three protocols, and clients differ in which: JSON (the JavaScript SDK), CBOR (newer ones of Python, Java,
 * Rust, Go) and forms with XML (older ones).
 */
import type { IncomingMessage } from 'node:http'
import { awsJson } from '../protocols/aws-json.ts'
import { awsQuery } from '../protocols/aws-query.ts'
import { queryCode, queryErrorHeaders } from '../protocols/query-compatible.ts'
import { rpcV2Cbor } from '../protocols/rpc-v2-cbor.ts'
import type { Protocol } from '../protocols/service-door.ts'

/** A thousand metrics with a hundred and fifty values and their counts fit. */
export const MAX_BODY_BYTES = 1024 * 1024
const MAX_FORM_MEMBERS = 50_000

const SERVICE = 'GraniteServiceVersion20100801'

const JSON_PROTOCOL: Protocol = {
  ...awsJson(`${SERVICE}.`),
  contentType: 'application/x-amz-json-1.0',
  errorHeaders: queryErrorHeaders,
}

const CBOR_PROTOCOL = rpcV2Cbor({
  service: SERVICE,
  doubles: new Set([
    ...['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum', 'ExtendedStatistics'],
    ...['Values', 'Threshold'],
  ]),
})

const QUERY_PROTOCOL = awsQuery('http://monitoring.amazonaws.com/doc/2010-08-01/', {
  maxMembers: MAX_FORM_MEMBERS,
  milliseconds: true,
  codeOf: queryCode,
  emptyResults: ['DeleteDashboards', 'TagResource', 'UntagResource'],
})

export function cloudWatchProtocol({ headers }: IncomingMessage): Protocol {
  if (headers['smithy-protocol'] === 'rpc-v2-cbor') return CBOR_PROTOCOL
  return headers['x-amz-target'] === undefined ? QUERY_PROTOCOL : JSON_PROTOCOL
}
