/** What is read of a CloudTrail record on its way into log files. */
import type { EventFacts } from './event-selectors.ts'
import type { Trail } from './trail-records.ts'

/** The members that matter here (user guide, "CloudTrail record contents"). */
export interface EventRecord {
  readonly eventTime: string
  readonly eventSource: string
  readonly eventName: string
  readonly awsRegion: string
  readonly eventType?: string
  readonly eventCategory?: string
  readonly readOnly?: boolean
  readonly recipientAccountId?: string
  readonly userIdentity?: { readonly arn?: string }
  readonly sessionCredentialFromConsole?: string
  readonly resources?: readonly { readonly type?: string; readonly ARN?: string; readonly ARNPrefix?: string }[]
}

export function eventFacts(record: EventRecord): EventFacts {
  return {
    eventCategory: record.eventCategory ?? 'Management',
    eventSource: record.eventSource,
    eventName: record.eventName,
    eventType: record.eventType ?? 'AwsApiCall',
    readOnly: record.readOnly === true,
    userArn: record.userIdentity?.arn,
    sessionCredentialFromConsole: record.sessionCredentialFromConsole === 'true',
    resources: (record.resources ?? []).map(({ type = '', ARN, ARNPrefix }) => ({ type, arn: ARN ?? ARNPrefix ?? '' })),
  }
}

/**
 * The region whose log file of a trail an event belongs to; undefined where the trail does not cover it. Events of services
 * that are global stand in the files of a trail's home region where the server has no region of theirs, and where the trail is
 * of its home region alone. `regions`: those that the server has.
 */
export function regionInTrail(
  trail: Pick<Trail, 'homeRegion' | 'isMultiRegionTrail' | 'includeGlobalServiceEvents'>,
  { awsRegion, eventSource }: Pick<EventRecord, 'awsRegion' | 'eventSource'>,
  regions: readonly string[],
): string | undefined {
  const { homeRegion, isMultiRegionTrail, includeGlobalServiceEvents } = trail
  const isGlobal = GLOBAL_SERVICES.has(eventSource)
  if (isGlobal ? !includeGlobalServiceEvents : !isMultiRegionTrail && awsRegion !== homeRegion) return undefined
  return isMultiRegionTrail && regions.includes(awsRegion) ? awsRegion : homeRegion
}

const GLOBAL_SERVICES: ReadonlySet<string> = new Set(['iam.amazonaws.com', 'sts.amazonaws.com'])
