/** What the door's operations work with, and what all of them do first. */
import type { EventSearch } from '../audit/event-search.ts'
import type { Clock } from '../core/clock.ts'
import type { ServiceCallServices } from '../delivery/service-call.ts'
import type { KeyService } from '../keys/key-service.ts'
import { requireAllowed } from '../policy/authorize.ts'
import type { CallContext } from '../policy/call.ts'
import type { ServiceOperation } from '../protocols/service-door.ts'
import type { DigestKeys } from '../trails/digest-keys.ts'
import type { Trail } from '../trails/trail-records.ts'
import type { TrailScope, Trails } from '../trails/trails.ts'

export interface TrailServices {
  readonly events: EventSearch
  readonly trails: Trails
  readonly digestKeys: DigestKeys
  readonly clock: Clock
  /** For trying what the delivery will do. `region`: S3's. */
  readonly delivery: Omit<ServiceCallServices, 'objects'>
  readonly dataKeys: Pick<KeyService, 'generateDataKey'>
  /** Buckets that are in another S3. */
  readonly remoteBuckets: Pick<ReadonlySet<string>, 'has'>
}

export type TrailOperations = Readonly<Record<string, ServiceOperation<TrailServices>>>

/** Throws AccessDenied. */
export function requireMay(call: CallContext, operation: string, resource = '*'): void {
  requireAllowed(call, {
    action: `cloudtrail:${operation}`,
    resource,
    resourceAccount: call.principal.accountId,
    resourcePolicy: undefined,
  })
}

export const scopeOf = (call: CallContext): TrailScope => ({
  accountId: call.principal.accountId,
  region: call.region,
})

/** How a trail looks in replies (API reference, `Trail`). */
export const trailShape = (trail: Trail) => ({
  ...trailSettings(trail),
  HomeRegion: trail.homeRegion,
  HasCustomEventSelectors: trail.selectors !== undefined,
  HasInsightSelectors: false,
})

/** What the replies of CreateTrail and UpdateTrail have of it. */
export const trailSettings = (trail: Trail) => ({
  Name: trail.name,
  S3BucketName: trail.s3BucketName,
  ...(trail.s3KeyPrefix !== undefined && { S3KeyPrefix: trail.s3KeyPrefix }),
  IncludeGlobalServiceEvents: trail.includeGlobalServiceEvents,
  IsMultiRegionTrail: trail.isMultiRegionTrail,
  TrailARN: trail.arn,
  LogFileValidationEnabled: trail.logFileValidation,
  ...(trail.kmsKeyId !== undefined && { KmsKeyId: trail.kmsKeyId }),
  IsOrganizationTrail: false,
})
