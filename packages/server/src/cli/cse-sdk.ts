/** The packages that only client-side encryption needs, and their clients; imported where they are used, if they are there. */
import { Agent } from 'node:https'
import { isIP } from 'node:net'
import type { KMSClient } from '@aws-sdk/client-kms'
import type { S3Client } from '@aws-sdk/client-s3'
import type { CseFlags } from './cse-flags.ts'
import type { Connection } from './signed-client.ts'

// The SDK warns of coming versions of Node.js, which is for who chooses the packages and not for who runs a command.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

export const loadClient = () => orSayWhich(import('@strongroom/client'))
export const loadS3 = () => orSayWhich(import('@aws-sdk/client-s3'))

/** A package is not installed. */
export class MissingPackageError extends Error {
  constructor(missing: string) {
    super(
      `client-side encryption needs ${missing}, which is not installed; ` +
        'npm install @aws-sdk/client-s3 @aws-sdk/lib-storage, and @aws-sdk/client-kms for keys of a KMS',
    )
    this.name = 'MissingPackageError'
  }
}

async function orSayWhich<T>(loading: Promise<T>): Promise<T> {
  try {
    return await loading
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const missing = /Cannot find package '(@aws-sdk\/[^']+)'/.exec(message)?.[1]
    if (code === 'ERR_MODULE_NOT_FOUND' && missing) throw new MissingPackageError(missing)
    throw error
  }
}

/** `bulk`: tries a call more often, since one that is throttled must not fail an object of many. */
export async function s3ClientOf(connection: Connection, flags: CseFlags, bulk: boolean): Promise<S3Client> {
  const { S3Client } = await loadS3()
  const { hostname } = new URL(connection.endpoint)
  const forcePathStyle = flags.pathStyle === true || isLocal(hostname)
  return new S3Client({ ...settingsOf(connection, bulk), endpoint: connection.endpoint, forcePathStyle })
}

/** A key given by ARN is asked for in its own region. */
export async function kmsClientOf(connection: Connection, flags: CseFlags, kmsKeyId: string): Promise<KMSClient> {
  const { KMSClient } = await orSayWhich(import('@aws-sdk/client-kms'))
  const endpoint = flags.kmsEndpoint ?? (process.env.AWS_ENDPOINT_URL_KMS || connection.endpoint)
  const region = /^arn:[^:]+:kms:([^:]+):/.exec(kmsKeyId)?.[1] ?? connection.region
  return new KMSClient({ ...settingsOf(connection, true), endpoint, region })
}

/** Names of buckets cannot stand before such a host. */
const isLocal = (hostname: string) =>
  hostname === 'localhost' || isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0 || !hostname.includes('.')

function settingsOf({ region, credentials, ca }: Connection, bulk: boolean) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  return {
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    maxAttempts: bulk ? 8 : 3,
    requestHandler: { httpsAgent: new Agent({ keepAlive: true, maxSockets: 64, ...(ca !== undefined && { ca }) }) },
  }
}
