/** Where actions lead: the operator's configuration names a URL for an ARN, and no other URL is ever called. */
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { rootCertificates } from 'node:tls'

export interface WebhookSettings {
  readonly arn: string
  readonly url: string
  /** PEM; trusted beside the usual authorities. */
  readonly caFile?: string | undefined
}

/** `undefined`: it was taken. */
export type Delivery = undefined | { readonly error: string; readonly isFinal: boolean }

export interface Envelope {
  readonly arn: string
  readonly messageId: string
  readonly body: string
}

export class Webhooks {
  readonly #byArn: ReadonlyMap<string, WebhookSettings>

  constructor(settings: readonly WebhookSettings[]) {
    this.#byArn = new Map(settings.map((one) => [one.arn, one]))
  }

  /** Never rejects: what went wrong is the answer. */
  async deliver(envelope: Envelope): Promise<Delivery> {
    const webhook = this.#byArn.get(envelope.arn)
    if (!webhook) return { error: 'No webhook is configured for this ARN', isFinal: true }
    try {
      const status = await post(webhook, envelope)
      if (status >= 200 && status < 300) return undefined
      const isFinal = status >= 400 && status < 500 && !AGAIN.includes(status)
      return { error: `The webhook answered ${status}`, isFinal }
    } catch (error) {
      return { error: `The webhook could not be reached: ${(error as Error).message}`, isFinal: false }
    }
  }
}

/** The status of the answer, whose body nobody reads. Redirects are not followed. */
function post({ url, caFile }: WebhookSettings, { arn, messageId, body }: Envelope): Promise<number> {
  return new Promise((resolve, reject) => {
    const target = new URL(url)
    const options = {
      method: 'POST',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        'content-type': 'text/plain; charset=UTF-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'Strongroom alarms',
        'x-amz-sns-message-type': 'Notification',
        'x-amz-sns-message-id': messageId,
        'x-amz-sns-topic-arn': arn,
      },
    }
    const request =
      target.protocol === 'https:'
        ? httpsRequest(target, {
            ...options,
            ...(caFile && { ca: [...rootCertificates, readFileSync(caFile, 'utf8')] }),
          })
        : httpRequest(target, options)
    request.on('error', reject)
    request.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    request.end(body)
  })
}

const TIMEOUT_MS = 10_000
/** Statuses of a mistake that may not be one later. */
const AGAIN = [408, 429]
