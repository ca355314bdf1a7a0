/** A record of CloudTrail as it is read again; what of it somebody here looks at. */
export interface CloudTrailRecord {
  readonly eventID: string
  readonly eventName: string
  readonly eventSource: string
  readonly eventTime: string
  readonly awsRegion: string
  readonly recipientAccountId: string
  readonly readOnly: boolean
  readonly requestID?: string
  readonly sourceIPAddress: string
  readonly userAgent: string | null
  readonly errorCode?: string
  readonly errorMessage?: string
  readonly userIdentity: {
    readonly type?: string
    readonly arn?: string
    readonly accountId?: string
    readonly principalId?: string
    readonly accessKeyId?: string
    readonly userName?: string
    readonly invokedBy?: string
    readonly sessionContext?: { readonly sessionIssuer?: { readonly userName?: string } }
  }
  readonly requestParameters: Readonly<Record<string, unknown>> | null
  readonly responseElements: Readonly<Record<string, unknown>> | null
  readonly additionalEventData?: Readonly<Record<string, unknown>>
  readonly resources?: readonly { readonly type: string; readonly ARN: string; readonly accountId?: string }[]
  readonly managementEvent: boolean
  readonly eventCategory: 'Management' | 'Data'
  readonly serviceEventDetails?: Readonly<Record<string, unknown>>
}
