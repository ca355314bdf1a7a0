/** Calls of the KMS and of Service Quotas by the program's commands. */
import { type Connection, sendSigned } from './signed-client.ts'

const TARGETS = { kms: 'TrentService', servicequotas: 'ServiceQuotasV20190624' } as const

/** Throws an Error with the server's own words. */
export const callKms = <T>(connection: Connection, operation: string, input: object) =>
  call<T>(connection, 'kms', operation, input)

/** As `callKms`. */
export const callServiceQuotas = <T>(connection: Connection, operation: string, input: object) =>
  call<T>(connection, 'servicequotas', operation, input)

async function call<T>(
  connection: Connection,
  service: keyof typeof TARGETS,
  operation: string,
  input: object,
): Promise<T> {
  const reply = await sendSigned(connection, {
    method: 'POST',
    path: '/',
    service,
    headers: { 'x-amz-target': `${TARGETS[service]}.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
    body: Buffer.from(JSON.stringify(input)),
  })
  const answer = JSON.parse(reply.body.toString()) as T & { __type?: string; message?: string; Message?: string }
  if (reply.status !== 200) throw new Error(`${answer.__type}: ${answer.message ?? answer.Message}`)
  return answer
}
