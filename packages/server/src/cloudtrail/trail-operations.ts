/** Trails themselves: made, changed, removed and shown. */
import type { CallContext } from '../policy/call.ts'
import type { Input } from '../protocols/input.ts'
import { readTrailReference, requireTrailName, trailArn } from '../trails/trail-name.ts'
import type { Trail } from '../trails/trail-records.ts'
import type { ChangeableTrail } from '../trails/trails.ts'
import { requireDestination } from './destination.ts'
import { trailError } from './errors.ts'
import { requireMay, scopeOf, type TrailOperations, type TrailServices, trailSettings, trailShape } from './services.ts'
import { readTags } from './tag-operations.ts'

export const TRAIL_OPERATIONS = {
  CreateTrail: {
    readOnly: false,
    async run(services, call, input) {
      const name = requireTrailName(trailText(input))
      const place = { ...scopeOf(call), name }
      const arn = trailArn(place)
      requireMay(call, 'CreateTrail', arn)
      refuseUnsupported(input, place.accountId)
      const settings = readSettings(input, {
        s3BucketName: input.text('S3BucketName', 1024, 0),
        includeGlobalServiceEvents: true,
        isMultiRegionTrail: false,
        logFileValidation: false,
        tags: readTags(input),
      })
      const kmsKeyId = await requireDestination(services, call, { arn, accountId: place.accountId, ...settings })
      const { accountId, region } = place
      const trail = await services.trails.create({ ...settings, kmsKeyId, name, accountId, homeRegion: region })
      return trailSettings(trail)
    },
  },
  UpdateTrail: {
    readOnly: false,
    async run(services, call, input) {
      const trail = await trailAtHome(services, call, input, 'UpdateTrail')
      refuseUnsupported(input, trail.accountId)
      const settings = readSettings(input, trail)
      const kmsKeyId = await requireDestination(services, call, { ...trail, ...settings })
      // Selectors and tags have operations of their own.
      const changed = await services.trails.change(trail, ({ selectors, dataEventsSinceMs, tags }) => ({
        ...settings,
        kmsKeyId,
        selectors,
        dataEventsSinceMs,
        tags,
      }))
      return trailSettings(changed)
    },
  },
  DeleteTrail: {
    readOnly: false,
    async run(services, call, input) {
      await services.trails.remove(await trailAtHome(services, call, input, 'DeleteTrail'))
      return {}
    },
  },
  GetTrail: {
    readOnly: true,
    async run(services, call, input) {
      return { Trail: trailShape(await namedTrail(services, call, input, 'GetTrail')) }
    },
  },
  DescribeTrails: {
    readOnly: true,
    async run(services, call, input) {
      requireMay(call, 'DescribeTrails')
      const scope = scopeOf(call)
      const asked = input.texts('trailNameList').map((text) => {
        const reference = readTrailReference(text, scope.accountId, scope.region)
        return text.startsWith('arn:') ? trailArn(reference) : reference.name
      })
      const withShadows = !input.has('includeShadowTrails') || input.flag('includeShadowTrails')
      const found: Trail[] = []
      for await (const trail of services.trails.ofAccount(scope.accountId)) {
        const isHere = trail.homeRegion === scope.region
        if (!isHere && !(withShadows && trail.isMultiRegionTrail)) continue
        if (asked.length === 0 || asked.includes(trail.name) || asked.includes(trail.arn)) found.push(trail)
      }
      return { trailList: found.map(trailShape) }
    },
  },
  ListTrails: {
    readOnly: true,
    async run(services, call) {
      requireMay(call, 'ListTrails')
      const found: Trail[] = []
      for await (const trail of services.trails.ofAccount(call.principal.accountId)) found.push(trail)
      return {
        Trails: found.map(({ arn, name, homeRegion }) => ({ TrailARN: arn, Name: name, HomeRegion: homeRegion })),
      }
    },
  },
} satisfies TrailOperations

/** The trail that a request names, where the caller may do `operation` with it. Throws TrailRefused and AccessDenied. */
export async function namedTrail(
  { trails }: TrailServices,
  call: CallContext,
  input: Input,
  operation: string,
  member = 'Name',
): Promise<Trail> {
  const text = trailText(input, member)
  requireMay(call, operation, arnOf(call, text))
  return trails.find(text, scopeOf(call))
}

/** As `namedTrail`, in the trail's home region only. */
export async function trailAtHome(
  { trails }: TrailServices,
  call: CallContext,
  input: Input,
  operation: string,
  member = 'Name',
): Promise<Trail> {
  const text = trailText(input, member)
  requireMay(call, operation, arnOf(call, text))
  return trails.findAtHome(text, scopeOf(call))
}

/** Too long or too short a name is told in CloudTrail's own words. */
const trailText = (input: Input, member = 'Name') => input.text(member, 4096, 0)

const arnOf = (call: CallContext, text: string) => {
  const { accountId, region } = scopeOf(call)
  return trailArn(readTrailReference(text, accountId, region))
}

/** What a request says of a trail; where it says nothing, as it was. An empty text takes away. */
function readSettings(input: Input, was: ChangeableTrail): ChangeableTrail {
  const text = (member: string, before: string | undefined, most: number) =>
    input.has(member) ? input.optionalText(member, most) || undefined : before
  const flag = (member: string, before: boolean) => (input.has(member) ? input.flag(member) : before)
  const settings = {
    s3BucketName: input.has('S3BucketName') ? input.text('S3BucketName', 1024, 0) : was.s3BucketName,
    s3KeyPrefix: text('S3KeyPrefix', was.s3KeyPrefix, 1024),
    kmsKeyId: text('KmsKeyId', was.kmsKeyId, 2048),
    includeGlobalServiceEvents: flag('IncludeGlobalServiceEvents', was.includeGlobalServiceEvents),
    isMultiRegionTrail: flag('IsMultiRegionTrail', was.isMultiRegionTrail),
    logFileValidation: flag('EnableLogFileValidation', was.logFileValidation),
    selectors: was.selectors,
    tags: was.tags,
  }
  if (settings.isMultiRegionTrail && !settings.includeGlobalServiceEvents) {
    throw trailError('InvalidParameterCombination', 'Multi-Region trail must include global service events.')
  }
  requirePrefix(settings.s3KeyPrefix)
  return settings
}

function requirePrefix(prefix: string | undefined): void {
  if (prefix === undefined) return
  if (prefix.length > MOST_PREFIX_LENGTH) {
    throw trailError(
      'InvalidS3Prefix',
      `S3 key prefix too long. Maximum allowed length: ${MOST_PREFIX_LENGTH} characters.`,
    )
  }
  if (!/^[\w!.*'()/+=@:,-]+$/.test(prefix) || prefix.startsWith('/') || prefix.endsWith('/')) {
    throw trailError('InvalidS3Prefix', `The specified S3 key prefix is not valid: ${prefix}`)
  }
}

/** There is no SNS, no CloudWatch Logs and no organization here. */
function refuseUnsupported(input: Input, accountId: string): void {
  if (input.optionalText('SnsTopicName', 2048)) {
    throw trailError('InsufficientSnsTopicPolicy', 'SNS Topic does not exist or the topic policy is incorrect!')
  }
  if (input.optionalText('CloudWatchLogsLogGroupArn', 2048)) {
    throw trailError('InvalidCloudWatchLogsLogGroupArn', 'CloudTrail cannot validate the specified log group ARN.')
  }
  if (input.optionalText('CloudWatchLogsRoleArn', 2048)) {
    throw trailError('InvalidCloudWatchLogsRoleArn', 'CloudTrail cannot validate the specified role ARN.')
  }
  if (input.flag('IsOrganizationTrail')) {
    throw trailError('OrganizationsNotInUse', `The account ${accountId} is in no organization.`)
  }
}

const MOST_PREFIX_LENGTH = 200
