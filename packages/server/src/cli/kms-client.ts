/** Calls of the KMS by the program's commands. */
import { type Connection, sendSigned } from './signed-client.ts'

/** Throws an Error with the server's own words. */
export async function callKms<T>(connection: Connection, operation: string, input: object): Promise<T> {
  const reply = await sendSigned(connection, {
    method: 'POST',
    path: '/',
    service: 'kms',
    headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
    body: Buffer.from(JSON.stringify(input)),
  })
  const answer = JSON.parse(reply.body.toString()) as T & { __type?: string; message?: string }
  if (reply.status !== 200) throw new Error(`${answer.__type}: ${answer.message}`)
  return answer
}
