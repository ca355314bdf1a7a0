/** The server's settings: flags before environment before configuration file before defaults. */
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { Address } from '../http/listener.ts'
import { type ConfigFile, REGION, readConfigFile } from './config-file.ts'
import { ConfigurationError, UsageError } from './exit.ts'

/** As commander hands them over; each has a twin in the environment. */
export interface ServeFlags {
  readonly data?: string
  readonly secrets?: string
  readonly http?: string
  readonly https?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly region?: string
  readonly workers?: string
  readonly config?: string
  readonly domain?: string
  readonly console?: string
  readonly logLevel?: string
}

/** Plain JSON, so that the primary can hand it to its workers. */
export interface Settings {
  readonly dataDir: string
  readonly secretsDir: string
  readonly http: Address | undefined
  readonly https: Address | undefined
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined
  readonly region: string
  readonly workers: number
  readonly domain: string | undefined
  readonly file: ConfigFile
}

const FLAG_VARIABLES = {
  data: 'STRONGROOM_DATA',
  secrets: 'STRONGROOM_SECRETS',
  http: 'STRONGROOM_HTTP',
  https: 'STRONGROOM_HTTPS',
  tlsCert: 'STRONGROOM_TLS_CERT',
  tlsKey: 'STRONGROOM_TLS_KEY',
  region: 'STRONGROOM_REGION',
  workers: 'STRONGROOM_WORKERS',
  config: 'STRONGROOM_CONFIG',
  domain: 'STRONGROOM_DOMAIN',
  console: 'STRONGROOM_CONSOLE',
  logLevel: 'STRONGROOM_LOG_LEVEL',
} as const satisfies Record<keyof ServeFlags, string>

/** Throws ConfigurationError or UsageError. */
export async function resolveSettings(flags: ServeFlags, env: NodeJS.ProcessEnv): Promise<Settings> {
  const given = (name: keyof ServeFlags) => flags[name] ?? (env[FLAG_VARIABLES[name]] || undefined)
  const file = await readConfigFile(given('config'))

  // The console is not part of this version; a script that turns it off is right either way.
  const console = given('console')
  if (console !== undefined && console !== 'off')
    throw new UsageError('--console: this version has no console; use off')

  const dataDir = resolve(given('data') ?? file.data ?? './strongroom-data')
  const certPath = given('tlsCert') ?? file.tlsCert
  const keyPath = given('tlsKey') ?? file.tlsKey
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw new ConfigurationError('--tls-cert and --tls-key go together')
  }
  const http = address('--http', given('http') ?? file.http ?? '127.0.0.1:9000')
  const https = address('--https', given('https') ?? file.https ?? '127.0.0.1:9443')
  if (!http && !https) throw new ConfigurationError('both --http and --https are off: nothing to serve')

  return {
    dataDir,
    secretsDir: resolve(given('secrets') ?? file.secrets ?? join(dataDir, 'secrets')),
    http,
    https,
    tls: certPath !== undefined && keyPath !== undefined ? { certPath, keyPath } : undefined,
    region: region(given('region') ?? file.region ?? 'us-east-1'),
    workers: workers(given('workers'), file.workers),
    domain: given('domain') ?? file.domain,
    file: withLogLevel(file, given('logLevel')),
  }
}

function address(flag: string, text: string): Address | undefined {
  if (text === 'off') return undefined
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) throw new UsageError(`${flag} takes HOST:PORT or off, not ${text}`)
  return { host: match[1] ?? match[2]!, port }
}

function region(text: string): string {
  if (!REGION.test(text)) throw new UsageError(`--region: not a region name: ${text}`)
  return text
}

function workers(flag: string | undefined, inFile: number | undefined): number {
  if (flag === undefined) return inFile ?? availableParallelism()
  const count = Number(flag)
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new UsageError('--workers takes a number from 1 to 256')
  return count
}

const LOG_LEVELS = ['silent', 'error', 'warn', 'info'] as const

function withLogLevel(file: ConfigFile, text: string | undefined): ConfigFile {
  if (text === undefined) return file
  const level = LOG_LEVELS.find((known) => known === text)
  if (!level) throw new UsageError(`--log-level takes one of ${LOG_LEVELS.join(', ')}`)
  return { ...file, log: { ...file.log, level } }
}
