/** Calls of the server's own API by the program's commands. */
import { type Connection, sendSigned } from './signed-client.ts'

/** Throws an Error with the server's own words. */
export async function callOwnApi<T>(connection: Connection, path: string, input: object): Promise<T> {
  const reply = await sendSigned(connection, {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(input)),
  })
  const text = reply.body.toString()
  if (reply.status === 200) return JSON.parse(text) as T
  let answer: { __type?: string; message?: string }
  try {
    answer = JSON.parse(text)
  } catch {
    throw new Error(`the server answered ${reply.status}`)
  }
  throw new Error(`${answer.__type}: ${answer.message}`)
}
