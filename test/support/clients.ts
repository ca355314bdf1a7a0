/** Real clients from the system's packages, with the environment that points them at a test server. */
import { spawnSync } from 'node:child_process'
import type { Credentials, TestServer } from './server.ts'

/** Says aloud where the program is absent. */
export function has(name: string): boolean {
  const present = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
  if (!present) console.log(`SKIPPED: ${name} is not installed`)
  return present
}

export function clientEnvironment(server: TestServer, home: string, who: Credentials = server.root): NodeJS.ProcessEnv {
  return {
    // The system's own clients, whatever a developer has put before them.
    PATH: `/usr/bin:${process.env.PATH}`,
    HOME: home,
    AWS_ACCESS_KEY_ID: who.accessKeyId,
    AWS_SECRET_ACCESS_KEY: who.secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_CA_BUNDLE: server.ca,
  }
}
