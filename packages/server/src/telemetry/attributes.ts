/**
 * What spans tell, in the words of OpenTelemetry's semantic conventions (HTTP server spans, AWS SDK spans, TLS). Made of
 * named facts only: never a header, a query string, a key, a signature or a byte of content.
 */
import type { Exchange } from '../core/exchange.ts'
import type { Outcome, ServiceName } from '../core/outcome.ts'

/** Ours and AWS's; values are never objects. */
export type Attributes = Record<string, string | number>

/** What is known before the door has looked at it. */
export function requestAttributes({ request, secure, sourceIp }: Exchange): Attributes {
  return known({
    'http.request.method': request.method,
    'url.scheme': secure ? 'https' : 'http',
    // Without the query: a signature may stand there.
    'url.path': request.url?.split('?', 1)[0],
    'network.protocol.version': request.httpVersion,
    'client.address': sourceIp,
    'user_agent.original': request.headers['user-agent'],
  })
}

/** What is known at its end. */
export function outcomeAttributes(outcome: Outcome): Attributes {
  const isRequest = outcome.viaRequestId === undefined
  return known({
    'rpc.system': 'aws-api',
    'rpc.service': SERVICES[outcome.service],
    'rpc.method': outcome.operation,
    'aws.request_id': outcome.requestId,
    'aws.s3.bucket': outcome.bucket,
    'aws.s3.key': outcome.objectKey,
    'error.type': outcome.errorCode,
    'http.response.status_code': isRequest ? outcome.status : undefined,
    'http.request.body.size': isRequest ? outcome.bytesIn : undefined,
    'http.response.body.size': isRequest ? outcome.bytesOut : undefined,
    'tls.protocol.version': outcome.tls?.version.replace(/^TLSv/, ''),
    'strongroom.encryption': outcome.encryption,
    'strongroom.kms_key_arn': outcome.kmsKeyArn,
  })
}

/** e.g. `S3/GetObject`. */
export const spanName = ({ service, operation }: Pick<Outcome, 'service' | 'operation'>) =>
  `${SERVICES[service]}/${operation}`

function known(attributes: Readonly<Record<string, string | number | undefined>>): Attributes {
  const found: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) found[name] = value
  return found
}

/** As AWS's SDKs call them. */
const SERVICES: Readonly<Record<ServiceName, string>> = {
  s3: 'S3',
  kms: 'KMS',
  sts: 'STS',
  iam: 'IAM',
  cloudtrail: 'CloudTrail',
  monitoring: 'CloudWatch',
  servicequotas: 'Service Quotas',
  server: 'Strongroom',
}
