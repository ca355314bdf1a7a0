/**
 * The managed policies of AWS that make sense here, by name; as an identity they are `arn:aws:iam::aws:policy/NAME`.
 * Source: AWS managed policy reference guide, reduced to the services of this server.
 */
import { type Policy, readPolicy } from '../policy/document.ts'

const S3_READ = ['s3:Get*', 's3:List*', 's3:Describe*', 's3-object-lambda:Get*', 's3-object-lambda:List*']
const IAM_READ = [
  'iam:GenerateCredentialReport',
  'iam:GenerateServiceLastAccessedDetails',
  'iam:Get*',
  'iam:List*',
  'iam:SimulateCustomPolicy',
  'iam:SimulatePrincipalPolicy',
]
const KMS_READ = ['kms:Describe*', 'kms:Get*', 'kms:List*']
const KMS_POWER = [
  'kms:CreateAlias',
  'kms:CreateKey',
  'kms:DeleteAlias',
  ...KMS_READ,
  'kms:GenerateRandom',
  'kms:TagResource',
  'kms:UntagResource',
  'iam:ListGroups',
  'iam:ListRoles',
  'iam:ListUsers',
]
const READ = [
  ...S3_READ,
  ...KMS_READ,
  ...IAM_READ,
  'sts:GetCallerIdentity',
  'cloudtrail:Describe*',
  'cloudtrail:Get*',
  'cloudtrail:List*',
  'cloudtrail:LookupEvents',
  'cloudwatch:Describe*',
  'cloudwatch:Get*',
  'cloudwatch:List*',
  'servicequotas:Get*',
  'servicequotas:List*',
]

const allow = (actions: string | readonly string[]) => ({ Effect: 'Allow', Action: actions, Resource: '*' })

const STATEMENTS: Readonly<Record<string, readonly object[]>> = {
  AdministratorAccess: [allow('*')],
  PowerUserAccess: [
    { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' },
    allow(['iam:CreateServiceLinkedRole', 'iam:DeleteServiceLinkedRole', 'iam:ListRoles']),
  ],
  ReadOnlyAccess: [allow(READ)],
  AmazonS3FullAccess: [allow(['s3:*', 's3-object-lambda:*'])],
  AmazonS3ReadOnlyAccess: [allow(S3_READ)],
  AWSKeyManagementServicePowerUser: [allow(KMS_POWER)],
  IAMFullAccess: [allow(['iam:*', 'organizations:DescribeAccount', 'organizations:ListPolicies'])],
  IAMReadOnlyAccess: [allow(IAM_READ)],
  AWSCloudTrail_FullAccess: [allow(['cloudtrail:*'])],
  AWSCloudTrail_ReadOnlyAccess: [
    allow(['cloudtrail:Get*', 'cloudtrail:Describe*', 'cloudtrail:List*', 'cloudtrail:LookupEvents']),
  ],
  CloudWatchFullAccess: [allow(['cloudwatch:*'])],
  CloudWatchReadOnlyAccess: [allow(['cloudwatch:Describe*', 'cloudwatch:Get*', 'cloudwatch:List*'])],
  ServiceQuotasFullAccess: [allow(['servicequotas:*'])],
  ServiceQuotasReadOnlyAccess: [allow(['servicequotas:Get*', 'servicequotas:List*'])],
}

const PREFIX = 'arn:aws:iam::aws:policy/'

export interface AwsManagedPolicy {
  readonly name: string
  readonly arn: string
  readonly document: string
  readonly policy: Policy
}

export const AWS_MANAGED_POLICIES: ReadonlyMap<string, AwsManagedPolicy> = new Map(
  Object.entries(STATEMENTS).map(([name, Statement]) => {
    const arn = `${PREFIX}${name}`
    const document = JSON.stringify({ Version: '2012-10-17', Statement })
    return [arn, { name, arn, document, policy: readPolicy(document, 'identity', arn) }]
  }),
)
