/** `strongroom quotas`: the operator's side of Service Quotas, asked of a running server. */
import { type ConnectionFlags, resolveConnection } from './connection.ts'
import { EXIT } from './exit.ts'
import { callOwnApi } from './own-api-client.ts'

export interface QuotasFlags extends ConnectionFlags {
  readonly all?: boolean
  readonly json?: boolean
}

/** As the server tells it. */
interface Increase {
  readonly id: string
  readonly accountId: string
  readonly service: string
  readonly code: string
  readonly title: string
  readonly region: string
  readonly applies: number
  readonly desiredValue: number
  readonly status: string
  readonly createdAtMs: number
  readonly requesterArn: string
}

export async function listQuotaIncreases(flags: QuotasFlags): Promise<number> {
  const connection = await resolveConnection(flags, process.env)
  const { requests } = await callOwnApi<{ requests: readonly Increase[] }>(connection, '/-/api/quotas/list', {})
  const wanted = requests.filter(({ status }) => flags.all || status === 'PENDING')
  if (flags.json) process.stdout.write(`${JSON.stringify(wanted, undefined, 2)}\n`)
  else if (wanted.length === 0) process.stdout.write(`No request ${flags.all ? 'was ever made' : 'waits'}.\n`)
  else for (const request of wanted) process.stdout.write(`${increaseText(request)}\n`)
  return EXIT.done
}

export async function answerQuotaIncrease(answer: 'approve' | 'deny', id: string, flags: QuotasFlags): Promise<number> {
  const connection = await resolveConnection(flags, process.env)
  const request = await callOwnApi<Increase>(connection, `/-/api/quotas/${answer}`, { id })
  process.stdout.write(`${flags.json ? JSON.stringify(request, undefined, 2) : increaseText(request)}\n`)
  return EXIT.done
}

function increaseText(request: Increase): string {
  const { id, accountId, service, title, region, applies, desiredValue, status, createdAtMs, requesterArn } = request
  return [
    `${id}  ${status}`,
    `  ${service}: ${title}, account ${accountId}${region === '' ? '' : `, ${region}`}`,
    `  asked for ${desiredValue}, ${applies} apply now; by ${requesterArn} on ${new Date(createdAtMs).toISOString()}`,
  ].join('\n')
}
