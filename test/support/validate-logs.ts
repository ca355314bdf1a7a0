/**
 * `aws cloudtrail validate-logs` against a test server that serves `--domain s3.us-east-1.amazonaws.com`: by each AWS CLI
 * there is. Older ones make their S3 client without a way to be told an endpoint, so a proxy leads them here.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { clientEnvironment } from './clients.ts'
import { startConnectProxy } from './connect-proxy.ts'
import type { TestServer } from './server.ts'

export const S3_NAME = 's3.us-east-1.amazonaws.com'

export interface LogValidation {
  /** Names and ports that were asked of the proxy. */
  readonly asked: ReadonlySet<string>
  /** Exit code and output of each CLI. */
  validate(trailArn: string): Promise<readonly { readonly code: number; readonly output: string }[]>
  close(): Promise<void>
}

export async function openLogValidation(server: TestServer): Promise<LogValidation> {
  const proxy = await startConnectProxy(server.https)
  const home = await mkdtemp(join(tmpdir(), 'validate-logs-'))
  const env = clientEnvironment(server, home)
  const environments: NodeJS.ProcessEnv[] = [{ ...env, HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }]
  const given = { ...env, PATH: process.env.PATH, AWS_ENDPOINT_URL: server.https }
  if (honoursEndpoint(given)) environments.push(given)
  else console.log('SKIPPED: no aws that honours AWS_ENDPOINT_URL is installed')
  return {
    asked: proxy.asked,
    validate(trailArn) {
      const start = new Date(Date.now() - 600_000).toISOString()
      const options = ['--trail-arn', trailArn, '--start-time', start, '--verbose']
      const where = ['--region', 'us-east-1', '--endpoint-url', server.https]
      return Promise.all(
        environments.map((environment) =>
          promisify(execFile)('aws', ['cloudtrail', 'validate-logs', ...where, ...options], { env: environment }).then(
            ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
            ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
              code,
              output: stdout + stderr,
            }),
          ),
        ),
      )
    },
    async close() {
      await proxy.close()
      await rm(home, { recursive: true })
    },
  }
}

/** Whether the `aws` that is found first honours AWS_ENDPOINT_URL: version 2 from 2.13 on, version 1 from 1.29 on. */
function honoursEndpoint(env: NodeJS.ProcessEnv): boolean {
  const version = execFileSync('aws', ['--version'], { env, encoding: 'utf8' })
  const [major = 0, minor = 0] = /aws-cli\/(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? []
  return minor >= (major === 1 ? 29 : 13)
}
