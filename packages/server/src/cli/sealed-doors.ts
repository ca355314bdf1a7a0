/** The doors while the root key cannot be had: each says so in its service's own words, so that its clients try again. */
import type { IncomingMessage } from 'node:http'
import { ADMIN_PATHS } from '../admin/operations.ts'
import { toCloudWatchError } from '../cloudwatch/errors.ts'
import { cloudWatchProtocol } from '../cloudwatch/protocols.ts'
import type { Door, Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Observer, ServiceName } from '../core/outcome.ts'
import { EXPLAIN_PATH } from '../explain/operations.ts'
import { toIamError } from '../iam/errors.ts'
import { IAM_NAMESPACE } from '../iam/operations.ts'
import { toKmsError } from '../kms/errors.ts'
import { awsJson } from '../protocols/aws-json.ts'
import { awsQuery } from '../protocols/aws-query.ts'
import { ownApi, toOwnApiError } from '../protocols/own-api.ts'
import type { Protocol } from '../protocols/service-door.ts'
import type { ServiceError } from '../protocols/service-error.ts'
import { errorDocument } from '../s3/error-document.ts'
import { toS3Error } from '../s3/errors.ts'
import { toServiceQuotasError } from '../servicequotas/errors.ts'
import { toStsError } from '../sts/errors.ts'
import type { Doors } from './service-doors.ts'

interface Answer {
  readonly status: number
  readonly code: string
  readonly contentType: string
  readonly text: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const RETRY_AFTER_SECONDS = 5

export function sealedDoors(observer: Observer, nowMs: () => number): Doors {
  const door = (service: ServiceName, answer: (exchange: Exchange) => Answer): Door => ({
    async handle(exchange) {
      const { request, response, requestId } = exchange
      const { status, code, contentType, text, headers } = answer(exchange)
      request.resume()
      response.writeHead(status, {
        'content-type': contentType,
        'content-length': Buffer.byteLength(text),
        'retry-after': String(RETRY_AFTER_SECONDS),
        [service === 's3' ? 'x-amz-request-id' : 'x-amzn-requestid']: requestId,
        ...headers,
        ...(!request.complete && { connection: 'close' }),
      })
      response.end(request.method === 'HEAD' ? undefined : text)
      observer.observe({
        service,
        operation: 'Unknown',
        requestId,
        startedAtMs: exchange.startedAtMs,
        durationMs: nowMs() - exchange.startedAtMs,
        status,
        errorCode: code,
        caller: undefined,
        sourceIp: exchange.sourceIp,
        userAgent: request.headers['user-agent'],
        tls: exchange.tls,
        bytesIn: 0,
        bytesOut: Buffer.byteLength(text),
        readOnly: true,
      })
    },
  })
  const service = (
    name: ServiceName,
    protocols: Protocol | ((request: IncomingMessage) => Protocol),
    toError: (error: unknown) => ServiceError,
  ) =>
    door(name, ({ request, requestId }) => {
      const protocol = typeof protocols === 'function' ? protocols(request) : protocols
      const error = toError(new Fault('Sealed', {}))
      const { code, status } = error
      return {
        status,
        code,
        contentType: protocol.contentType,
        text: protocol.renderError(error, requestId),
        headers: { ...protocol.headers, ...protocol.errorHeaders?.(error) },
      }
    })
  const own = service('server', ownApi({}), toOwnApiError)
  return {
    services: {
      s3: door('s3', ({ request, requestId }) => {
        const error = toS3Error(new Fault('Sealed', {}))
        const resource = (request.url ?? '/').split('?', 1)[0]!
        const text = errorDocument(error, resource, requestId)
        return { status: error.status, code: error.code, contentType: 'application/xml', text }
      }),
      kms: service('kms', awsJson('TrentService.'), toKmsError),
      iam: service('iam', awsQuery(IAM_NAMESPACE), toIamError),
      monitoring: service('monitoring', cloudWatchProtocol, toCloudWatchError),
      servicequotas: service('servicequotas', awsJson('ServiceQuotasV20190624.'), toServiceQuotasError),
      sts: service('sts', awsQuery('https://sts.amazonaws.com/doc/2011-06-15/'), toStsError),
    },
    apis: Object.fromEntries([EXPLAIN_PATH, ...ADMIN_PATHS].map((path) => [path, own])),
  }
}
