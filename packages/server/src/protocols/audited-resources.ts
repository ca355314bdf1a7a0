/** What a decided ARN is to CloudTrail: the types of resources of the KMS, of IAM, of CloudTrail and of CloudWatch, as rows. */
import type { AuditedResource } from '../core/outcome.ts'

export const kmsResource = (arn: string): AuditedResource | undefined => resourceOf(arn, KMS_TYPES)
export const trailResource = (arn: string): AuditedResource | undefined => resourceOf(arn, TRAIL_TYPES)
export const cloudWatchResource = (arn: string): AuditedResource | undefined => resourceOf(arn, CLOUDWATCH_TYPES)
export const iamResource = (arn: string): AuditedResource | undefined => resourceOf(arn, IAM_TYPES)

function resourceOf(arn: string, types: Readonly<Record<string, string>>): AuditedResource | undefined {
  const [, , , , accountId, ...rest] = arn.split(':')
  const type = types[rest.join(':').split(/[/:]/, 1)[0]!]
  if (type === undefined || accountId === undefined) return undefined
  return { accountId, type, ARN: arn }
}

const KMS_TYPES: Readonly<Record<string, string>> = { key: 'AWS::KMS::Key', alias: 'AWS::KMS::Alias' }
const TRAIL_TYPES: Readonly<Record<string, string>> = { trail: 'AWS::CloudTrail::Trail' }
const CLOUDWATCH_TYPES: Readonly<Record<string, string>> = {
  alarm: 'AWS::CloudWatch::Alarm',
  dashboard: 'AWS::CloudWatch::Dashboard',
}
const IAM_TYPES: Readonly<Record<string, string>> = {
  group: 'AWS::IAM::Group',
  'instance-profile': 'AWS::IAM::InstanceProfile',
  'oidc-provider': 'AWS::IAM::OIDCProvider',
  policy: 'AWS::IAM::ManagedPolicy',
  role: 'AWS::IAM::Role',
  user: 'AWS::IAM::User',
}
