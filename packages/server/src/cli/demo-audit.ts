/** The demo's scene of the audit trail: who used the key, by CloudTrail's LookupEvents; and that the trail is whole. */
import type { CloudTrailRecord } from '../audit/cloudtrail-record.ts'
import type { DemoTools } from './demo-quotas.ts'
import type { RequestToSign } from './signed-client.ts'

export type AuditTools = Pick<DemoTools, 'keyArn' | 'https' | 'say' | 'step'>

/** After which an event is found. */
const FOUND_WITHIN_MS = 1_000
const SHOWN = 3

export async function auditScene({ keyArn, https, say, step }: AuditTools): Promise<void> {
  say('\nEvery use of the key is on record. Who used it, by LookupEvents:')
  await new Promise((resolve) => setTimeout(resolve, FOUND_WITHIN_MS))
  const events = await lookup(https, keyArn)
  for (const operation of ['GenerateDataKey', 'Decrypt']) {
    const some = events.filter(({ eventName, errorCode }) => eventName === operation && errorCode === undefined)
    step(some.length > 0, `${operation} x ${some.length}`)
    for (const { eventTime, userIdentity, requestParameters } of some.slice(-SHOWN)) {
      const context = requestParameters?.encryptionContext as Record<string, string> | undefined
      say(`          ${eventTime} by ${userIdentity.arn} for ${context?.['aws:s3:arn']}`)
    }
  }
  const refused = events.find(({ errorCode }) => errorCode === 'DisabledException')
  step(refused !== undefined, `and the refused one too: ${refused?.eventName}, ${refused?.errorCode}`)
  step(
    events.every(({ additionalEventData }) => additionalEventData?.s3RequestID !== undefined),
    'each names the S3 request that it was made for',
  )
}

/** All management events of the key that S3 caused, the newest first. */
async function lookup(https: AuditTools['https'], keyArn: string): Promise<readonly CloudTrailRecord[]> {
  const found: CloudTrailRecord[] = []
  for (let NextToken: string | undefined; ; ) {
    const request: RequestToSign = {
      method: 'POST',
      path: '/',
      service: 'cloudtrail',
      headers: {
        'x-amz-target': 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents',
        'content-type': 'application/x-amz-json-1.1',
      },
      body: Buffer.from(
        JSON.stringify({
          LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: keyArn }],
          ...(NextToken && { NextToken }),
        }),
      ),
    }
    const page = JSON.parse((await https(request)).body.toString()) as {
      Events: readonly { CloudTrailEvent: string }[]
      NextToken?: string
    }
    const records = page.Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent) as CloudTrailRecord)
    found.push(...records.filter(({ userIdentity }) => userIdentity.invokedBy !== undefined))
    NextToken = page.NextToken
    if (!NextToken) return found
  }
}
