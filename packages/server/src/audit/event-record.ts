/**
 * Records of events in CloudTrail's form (CloudTrail user guide, "CloudTrail record contents"), as JSON text.
 *
 * The text is put together by hand: who calls and what repeats is made once, and a record is made for every request.
 */
import { KEY_USES } from '../core/key-uses.ts'
import type { AuditedResource, Outcome } from '../core/outcome.ts'
import { eventId } from './event-id.ts'
import { inSeconds, timeText, userIdentity } from './user-identity.ts'

export interface EventRecord {
  readonly atMs: number
  readonly category: 'Management' | 'Data'
  /** Stands for a use of a KMS key. Of the records that tell several accounts of it, one does. */
  readonly isKeyUse: boolean
  readonly json: string
}

/** One record for each account that is told of the event; `operatorsAccount` is told where no other can be. */
export function eventRecords(outcome: Outcome, operatorsAccount: string): readonly EventRecord[] {
  const { audit, caller } = outcome
  if (!audit) return []
  const resources = resourcesOf(outcome)
  const accounts = recipients(caller?.accountId, resources, operatorsAccount)
  const stands = accountOfUse(outcome, resources, accounts)
  const start = beginning(outcome)
  const middle = aboutResources(outcome, resources)
  const end = ending(outcome, accounts.length > 1 ? `,"sharedEventID":"${eventId(outcome.startedAtMs)}"` : '')
  return accounts.map((accountId) => ({
    atMs: outcome.startedAtMs,
    category: audit.category,
    isKeyUse: accountId === stands,
    json: `${start},"eventID":"${eventId(outcome.startedAtMs)}"${middle},"recipientAccountId":"${accountId}"${end}`,
  }))
}

/** What the server does of itself, such as the rotation of a key that is due (CloudTrail user guide, "Service events"). */
export interface ServiceEvent {
  readonly atMs: number
  readonly source: string
  readonly name: string
  readonly region: string
  readonly accountId: string
  readonly resources: readonly AuditedResource[]
  readonly serviceEventDetails: Readonly<Record<string, unknown>>
}

export function serviceEventRecord(event: ServiceEvent): EventRecord {
  const { atMs, accountId, resources, serviceEventDetails } = event
  const json = JSON.stringify({
    eventVersion: EVENT_VERSION,
    userIdentity: { accountId, invokedBy: AWS_INTERNAL },
    eventTime: inSeconds(atMs),
    eventSource: event.source,
    eventName: event.name,
    awsRegion: event.region,
    sourceIPAddress: AWS_INTERNAL,
    userAgent: AWS_INTERNAL,
    requestParameters: null,
    responseElements: null,
    eventID: eventId(atMs),
    readOnly: false,
    resources,
    eventType: 'AwsServiceEvent',
    managementEvent: true,
    recipientAccountId: accountId,
    serviceEventDetails,
    eventCategory: 'Management',
  })
  return { atMs, category: 'Management', isKeyUse: false, json }
}

function beginning(outcome: Outcome): string {
  const { service, viaRequestId, errorCode, audit } = outcome
  // The caller stays who he is; what lies between is the service that calls for him.
  const internal = viaRequestId !== undefined
  const error =
    errorCode === undefined
      ? ''
      : `,"errorCode":${quoted(ERROR_CODES[errorCode] ?? errorCode)},"errorMessage":${quoted(outcome.errorMessage ?? '')}`
  return (
    `{"eventVersion":"${EVENT_VERSION}","userIdentity":${userIdentity(outcome.caller, internal ? AWS_INTERNAL : undefined)}` +
    `,"eventTime":"${timeText(outcome.startedAtMs)}","eventSource":"${EVENT_SOURCES[service] ?? `${service}.amazonaws.com`}"` +
    `,"eventName":"${audit!.eventName ?? outcome.operation}","awsRegion":"${outcome.region ?? ''}"` +
    `,"sourceIPAddress":${internal ? `"${AWS_INTERNAL}"` : quoted(outcome.sourceIp)}` +
    `,"userAgent":${internal ? `"${AWS_INTERNAL}"` : quoted(outcome.userAgent?.slice(0, MOST_USER_AGENT) ?? null)}${error}` +
    `,"requestParameters":${bounded(audit!.requestParameters())}` +
    `,"responseElements":${bounded(audit!.responseElements?.() ?? null)}${additional(outcome)}` +
    `,"requestID":"${outcome.requestId}"`
  )
}

function additional(outcome: Outcome): string {
  const { audit, viaRequestId } = outcome
  if (viaRequestId !== undefined) {
    const { sourceIp, userAgent } = outcome
    // AWS does not tell for which request S3 called, nor from where that came; here both can be proved.
    return `,"additionalEventData":${JSON.stringify({ s3RequestID: viaRequestId, s3SourceIPAddress: sourceIp, s3UserAgent: userAgent })}`
  }
  if (!audit!.additionalEventData) return ''
  const told = audit!.additionalEventData()
  // Here no event of the KMS tells which key it was.
  return `,"additionalEventData":${JSON.stringify(audit!.usedBucketKey ? { ...told, kmsKeyArn: outcome.kmsKeyArn } : told)}`
}

function aboutResources({ readOnly, audit }: Outcome, resources: readonly AuditedResource[]): string {
  return (
    `,"readOnly":${readOnly}${resources.length > 0 ? `,"resources":${JSON.stringify(resources)}` : ''}` +
    `,"eventType":"AwsApiCall","managementEvent":${audit!.category === 'Management'}`
  )
}

function ending({ tls, host, audit }: Outcome, shared: string): string {
  const end = `${shared},"eventCategory":"${audit!.category}"`
  if (!tls) return `${end}}`
  const { version, cipher } = tls
  return (
    `${end},"tlsDetails":{"tlsVersion":"${version}","cipherSuite":"${cipher}"` +
    `,"clientProvidedHostHeader":${quoted(host ?? null)}}}`
  )
}

function resourcesOf({ audit, kmsKeyArn, service }: Outcome): readonly AuditedResource[] {
  const resources = audit!.resources?.() ?? []
  if (service !== 'kms' || kmsKeyArn === undefined || resources.some(({ ARN }) => ARN === kmsKeyArn)) return resources
  return [{ accountId: kmsKeyArn.split(':')[4], type: 'AWS::KMS::Key', ARN: kmsKeyArn }, ...resources]
}

/** The caller's account first. */
function recipients(
  callersAccount: string | undefined,
  resources: readonly AuditedResource[],
  operatorsAccount: string,
): readonly string[] {
  const accounts: string[] = []
  const add = (accountId: string | undefined) => {
    if (accountId !== undefined && !accounts.includes(accountId) && ACCOUNT_ID.test(accountId)) accounts.push(accountId)
  }
  add(callersAccount)
  for (const { accountId } of resources) add(accountId)
  return accounts.length > 0 ? accounts : [operatorsAccount]
}

/** Whose record stands for the use of a key: its owner's of a call, and the first of what an S3 Bucket Key was used for. */
function accountOfUse(
  { service, operation, audit, kmsKeyArn }: Outcome,
  resources: readonly AuditedResource[],
  accounts: readonly string[],
): string | undefined {
  if (service === 'kms') return USES.has(operation) ? (resources[0]?.accountId ?? accounts[0]) : undefined
  return audit!.usedBucketKey && kmsKeyArn !== undefined ? accounts[0] : undefined
}

/** As CloudTrail does with what is too large to be told. */
function bounded(value: Readonly<Record<string, unknown>> | null): string {
  const text = JSON.stringify(value)
  if (text.length <= MOST_ELEMENT) return text
  return `{"omitted":true,"originalSize":${text.length},"reason":"${text.length} exceeds the maximum of ${MOST_ELEMENT}"}`
}

const USES: ReadonlySet<string> = new Set(KEY_USES)

const quoted = (text: string | null) => JSON.stringify(text)
const EVENT_VERSION = '1.11'
/** What stands for S3 where it calls the KMS. */
const AWS_INTERNAL = 'AWS Internal'
const EVENT_SOURCES: Readonly<Record<string, string>> = { server: 'strongroom' }
/** CloudTrail's words for some. */
const ERROR_CODES: Readonly<Record<string, string>> = { AccessDeniedException: 'AccessDenied' }
const ACCOUNT_ID = /^\d{12}$/
const MOST_ELEMENT = 100 * 1024
const MOST_USER_AGENT = 2048
