/** The official AWS SDK against a test server. */
import { Agent } from 'node:https'
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail'
import { CloudWatchClient, type CloudWatchClientConfig } from '@aws-sdk/client-cloudwatch'
import { IAMClient } from '@aws-sdk/client-iam'
import { KMSClient } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import { STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Credentials, TestServer } from './server.ts'

export interface ClientOptions {
  readonly credentials?: Credentials & { readonly sessionToken?: string }
  /** Over plain HTTP. */
  readonly plain?: boolean
  /** Another than us-east-1. */
  readonly region?: string
  /** The SDK's own retries; without it a call is made once. */
  readonly retries?: { readonly retryMode: 'standard' | 'adaptive'; readonly maxAttempts: number }
}

function settings(server: TestServer, options: ClientOptions) {
  return {
    endpoint: options.plain ? server.http : server.https,
    region: options.region ?? 'us-east-1',
    // A copy, since the SDK writes into it.
    credentials: { ...(options.credentials ?? server.root) },
    maxAttempts: 1,
    ...options.retries,
    requestHandler: new NodeHttpHandler({
      httpsAgent: new Agent({ ca: server.caPem, keepAlive: true, maxSockets: 64 }),
    }),
  }
}

export const s3Client = (server: TestServer, options: ClientOptions = {}) =>
  new S3Client({ ...settings(server, options), forcePathStyle: true })

export const kmsClient = (server: TestServer, options: ClientOptions = {}) => new KMSClient(settings(server, options))

export const iamClient = (server: TestServer, options: ClientOptions = {}) => new IAMClient(settings(server, options))

export const stsClient = (server: TestServer, options: ClientOptions = {}) => new STSClient(settings(server, options))

export const quotasClient = (server: TestServer, options: ClientOptions = {}) =>
  new ServiceQuotasClient(settings(server, options))

export const trailClient = (server: TestServer, options: ClientOptions = {}) =>
  new CloudTrailClient(settings(server, options))
export const cloudWatchClient = (
  server: TestServer,
  options: ClientOptions & Pick<CloudWatchClientConfig, 'protocol'> = {},
) => new CloudWatchClient({ ...settings(server, options), ...(options.protocol && { protocol: options.protocol }) })

/** Code and status of what a call threw; fails the test where it did not throw. */
export async function failure(
  call: Promise<unknown>,
): Promise<{ code: string; status: number | undefined; message: string }> {
  let reply: unknown
  try {
    reply = await call
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return { code: name, status: $metadata?.httpStatusCode, message }
  }
  throw new Error(`the call was expected to fail, and gave ${JSON.stringify(reply).slice(0, 300)}`)
}
