/** What the audit trail of a test server tells, by the program's own commands. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { CloudTrailRecord } from '../../packages/server/src/audit/cloudtrail-record.ts'
import type { KeyUseEvent } from '../../packages/server/src/audit/key-use.ts'
import { type Credentials, program, type TestServer } from './server.ts'

/** `strongroom audit …`: its exit code and what it prints. */
export function audit(
  server: Pick<TestServer, 'dataDir' | 'https' | 'ca' | 'root'>,
  args: readonly string[],
  as: Credentials = server.root,
) {
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.https,
    AWS_CA_BUNDLE: server.ca,
    AWS_ACCESS_KEY_ID: as.accessKeyId,
    AWS_SECRET_ACCESS_KEY: as.secretAccessKey,
  }
  return promisify(execFile)(process.execPath, [program, 'audit', ...args], { env, maxBuffer: 1e9 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  )
}

const json = async <T>(server: TestServer, args: readonly string[], as?: Credentials): Promise<T> => {
  const { code, stdout, stderr } = await audit(server, [...args, '--json'], as)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return JSON.parse(stdout) as T
}

/** Events that fit the flags; those of objects need a moment to be on disk, so `until` says what is waited for. */
export async function auditEvents(
  server: TestServer,
  flags: readonly string[],
  until: (events: readonly CloudTrailRecord[]) => boolean = (events) => events.length > 0,
  as?: Credentials,
): Promise<readonly CloudTrailRecord[]> {
  for (let tries = 0; ; tries++) {
    const events = await json<readonly CloudTrailRecord[]>(server, ['events', ...flags], as)
    if (until(events)) return events
    if (tries === MOST_TRIES) throw new Error(`the trail tells ${JSON.stringify(events).slice(0, 2000)}`)
    await sleep(PAUSE_MS)
  }
}

const MOST_TRIES = 40
const PAUSE_MS = 300

export const keyUses = (server: TestServer, keyId: string, flags: readonly string[] = [], as?: Credentials) =>
  json<readonly KeyUseEvent[]>(server, ['key', keyId, ...flags], as)
