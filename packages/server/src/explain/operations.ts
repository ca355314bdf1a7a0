/** Our own API that tells why: `POST /-/api/explain`, JSON in and out, signed as a request to S3. */
import { ownApi } from '../protocols/own-api.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import { type ExplainServices, explain } from './explain.ts'

export const EXPLAIN_PATH = '/-/api/explain'
export const EXPLAIN_PROTOCOL = ownApi({ [EXPLAIN_PATH]: 'Explain' })

export const EXPLAIN_OPERATIONS: Readonly<Record<string, ServiceOperation<ExplainServices>>> = {
  Explain: { readOnly: true, run: explain },
}
