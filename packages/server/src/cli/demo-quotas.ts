/** The demo's scene of quotas: throttled, an increase asked for and approved, no longer throttled; and bucket keys. */
import type { RequestToSign, SignedReply } from './signed-client.ts'

export const DEMO_QUOTA = 20
const WANTED = 200
const BURST = 100
const KEYED_BURST = 300
const SYMMETRIC = { ServiceCode: 'kms', QuotaCode: 'L-6E3AF000' }
const SSE = 'x-amz-server-side-encryption'

export interface DemoTools {
  readonly bucket: string
  readonly keyArn: string
  readonly https: (request: RequestToSign) => Promise<SignedReply>
  readonly say: (text: string) => void
  readonly step: (held: boolean, text: string) => void
  /** The calls of the KMS that S3 has made so far. */
  readonly kmsCalls: () => Promise<number>
}

export async function quotaScene({ bucket, keyArn, https, say, step, kmsCalls }: DemoTools): Promise<void> {
  const json = async (request: RequestToSign) =>
    JSON.parse((await https(request)).body.toString()) as Record<string, unknown>
  const serviceQuotas = (operation: string, input: object) =>
    json({
      method: 'POST',
      path: '/',
      service: 'servicequotas',
      headers: { 'x-amz-target': `ServiceQuotasV20190624.${operation}`, 'content-type': 'application/x-amz-json-1.1' },
      body: Buffer.from(JSON.stringify(input)),
    })
  /** So many PUTs at once: how many were done and how many told to slow down. */
  const burst = async (size: number, headers: Record<string, string>) => {
    const put = (i: number) =>
      https({ method: 'PUT', path: `/${bucket}/burst/${i}`, headers, body: Buffer.from(`object ${i}`) })
    const replies = await Promise.all(Array.from({ length: size }, (_, i) => put(i)))
    return {
      done: replies.filter(({ status }) => status === 200).length,
      slowDown: replies.filter(({ body }) => body.includes('SlowDown')).length,
    }
  }
  const withKey = { [SSE]: 'aws:kms', [`${SSE}-aws-kms-key-id`]: keyArn }

  say(`\nA quota of ${DEMO_QUOTA} calls of the KMS a second, as an account might have it:`)
  // Without any KMS, so that the connections are open already when it counts.
  await burst(KEYED_BURST, {})
  await nextSecond()
  const throttled = await burst(BURST, withKey)
  step(
    throttled.slowDown > 0 && throttled.done + throttled.slowDown === BURST,
    `${BURST} SSE-KMS uploads at once: ${throttled.done} done, ${throttled.slowDown} told SlowDown (503)`,
  )
  const asked = await serviceQuotas('RequestServiceQuotaIncrease', { ...SYMMETRIC, DesiredValue: WANTED })
  const { Id: id, Status: status } = (asked as { RequestedQuota?: { Id: string; Status: string } }).RequestedQuota ?? {}
  step(status === 'PENDING', `asked Service Quotas for ${WANTED} a second: ${status}`)
  const approved = await json({
    method: 'POST',
    path: '/-/api/quotas/approve',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ id })),
  })
  step(approved.status === 'APPROVED', `strongroom quotas approve ${id}: ${approved.status}`)
  await nextSecond()
  const free = await burst(BURST, withKey)
  step(free.done === BURST, `${BURST} uploads at once again: ${free.done} done, ${free.slowDown} told SlowDown`)

  const before = await kmsCalls()
  const keyed = await burst(KEYED_BURST, { ...withKey, [`${SSE}-bucket-key-enabled`]: 'true' })
  const calls = (await kmsCalls()) - before
  step(
    keyed.done === KEYED_BURST && calls > 0 && calls < 10,
    `with an S3 Bucket Key: ${KEYED_BURST} at once, ${keyed.done} done, by ${calls} calls of the KMS`,
  )
}

/** A little after it has begun, so that all of it is there. */
const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1005 - (Date.now() % 1000)))
