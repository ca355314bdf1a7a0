/** The Service Authorization Reference as tables: actions with their resource types and condition keys, by service. */
import cloudtrail from './cloudtrail.json' with { type: 'json' }
import cloudwatch from './cloudwatch.json' with { type: 'json' }
import iam from './iam.json' with { type: 'json' }
import kms from './kms.json' with { type: 'json' }
import s3 from './s3.json' with { type: 'json' }
import servicequotas from './servicequotas.json' with { type: 'json' }
import sts from './sts.json' with { type: 'json' }

export interface ActionReference {
  /** With its service, e.g. `s3:GetObject`. */
  readonly name: string
  /** Names of resource types; none where the action is about no resource in particular. */
  readonly resourceTypes: readonly string[]
  /** In lower case; a family ends with a slash or colon. */
  readonly conditionKeys: ReadonlySet<string>
}

export interface ServiceReference {
  readonly actions: readonly ActionReference[]
  /** All condition keys of the service's actions. */
  readonly conditionKeys: ReadonlySet<string>
}

interface Data {
  readonly keys: string
  readonly keySets: readonly string[]
  readonly actions: readonly (readonly unknown[])[]
}

const keysOf = (text: string) => new Set(text === '' ? [] : text.toLowerCase().split(' '))

function read(service: string, data: Data): ServiceReference {
  const keySets = data.keySets.map(keysOf)
  return {
    conditionKeys: keysOf(data.keys),
    actions: data.actions.map((row) => {
      const [name, types, keySet] = row as readonly [string, string, number]
      return {
        name: `${service}:${name}`,
        resourceTypes: types === '' ? [] : types.split(' '),
        conditionKeys: keySets[keySet]!,
      }
    }),
  }
}

/** By the prefix of their actions. */
export const SERVICES: ReadonlyMap<string, ServiceReference> = new Map(
  Object.entries({ s3, kms, iam, sts, cloudtrail, cloudwatch, servicequotas }).map(([service, data]) => [
    service,
    read(service, data),
  ]),
)

/** Keys that requests to any service may have (IAM user guide, "AWS global condition context keys"); in lower case. */
export const GLOBAL_CONDITION_KEYS: ReadonlySet<string> = keysOf(
  [
    'aws:AssumedRoot aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:ChatbotSourceArn aws:CurrentTime',
    'aws:Ec2InstanceSourcePrivateIPv4 aws:Ec2InstanceSourceVpc aws:EpochTime aws:FederatedProvider',
    'aws:IsMcpServiceAction aws:MultiFactorAuthAge aws:MultiFactorAuthPresent aws:PrincipalAccount aws:PrincipalArn',
    'aws:PrincipalIsAWSService aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalServiceName',
    'aws:PrincipalServiceNamesList aws:PrincipalTag/ aws:PrincipalType aws:Referer aws:RequestedRegion aws:RequestTag/',
    'aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths aws:ResourceTag/ aws:SecureTransport aws:SourceAccount',
    'aws:SourceArn aws:SourceIdentity aws:SourceIp aws:SourceOrgID aws:SourceOrgPaths aws:SourceOwner aws:SourceVpc',
    'aws:SourceVpcArn aws:SourceVpce aws:TagKeys aws:TokenIssueTime aws:UserAgent aws:userid aws:username',
    'aws:ViaAWSMCPService aws:ViaAWSService aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths aws:VpcSourceIp',
  ].join(' '),
)

/** Whether a set has a key, or the family that it belongs to. */
export function hasKey(keys: ReadonlySet<string>, key: string): boolean {
  const name = key.toLowerCase()
  if (isFamily(name)) return false
  if (keys.has(name)) return true
  for (const family of keys) if (isFamily(family) && name.startsWith(family)) return true
  return false
}

const isFamily = (key: string) => key.endsWith('/') || key.endsWith(':')
