/** The S3 door on memory behind a real socket, over plain HTTP, for tests of what it tells of requests. */

import { systemClock } from '../core/clock.ts'
import type { Door } from '../core/exchange.ts'
import type { Outcome } from '../core/outcome.ts'
import type { AccessLogTarget } from '../delivery/access-log-entry.ts'
import { AbsentDoor } from '../http/absent-door.ts'
import { ConnectionReader } from '../http/connection.ts'
import { listen } from '../http/listener.ts'
import { type AccountConfig, Accounts } from '../identity/accounts.ts'
import { Directory } from '../identity/directory.ts'
import { IdentityStore } from '../identity/identity-store.ts'
import { Sessions } from '../identity/sessions.ts'
import { ObjectAcls } from '../objects/object-acls.ts'
import { ObjectAttributes } from '../objects/object-attributes.ts'
import { ObjectLocks } from '../objects/object-locks.ts'
import { makeRoom } from '../objects/room.fixture.ts'
import { Tagging } from '../objects/tagging.ts'
import { VersionStore } from '../objects/version-store.ts'
import { StoreKey } from '../root-key/store-key.ts'
import { S3Door } from './door.ts'

export const ROOT = { accessKeyId: 'AKIAROOT', secretAccessKey: 'rootsecret' }

export interface LoggedLine {
  readonly target: AccessLogTarget
  readonly line: string
}

export async function startDoor(configured: readonly AccountConfig[] = []) {
  const room = makeRoom()
  const accounts = new Accounts(configured)
  const store = new IdentityStore(room.records)
  const sessions = new Sessions(StoreKey.of(new Uint8Array(32)).derive('session tokens'), systemClock)
  const outcomes: Outcome[] = []
  const lines: LoggedLine[] = []
  const errors: unknown[] = []
  const observer = { observe: (outcome: Outcome) => void outcomes.push(outcome) }
  const door = new S3Door({
    services: {
      ...room,
      accounts,
      identity: store,
      acls: new ObjectAcls(room.records, room.clock),
      attributes: new ObjectAttributes({ ...room, versions: new VersionStore(room.records, room.clock) }),
      objectLocks: new ObjectLocks(room.records, room.clock),
      tagging: new Tagging(room.records, room.clock),
      region: 'us-east-1',
    },
    directory: new Directory({ root: ROOT, configured, accounts, store, sessions }),
    observer,
    trail: { record: () => undefined },
    clock: systemClock,
    region: 'us-east-1',
    domains: [],
    allowSigV2: true,
    accessLog: { write: (target, _, line) => void lines.push({ target, line }) },
    onInternalError: (error) => errors.push(error),
  })
  const listener = await listen({
    http: { host: '127.0.0.1', port: 0 },
    https: undefined,
    doors: () => ({ s3: door }) satisfies Record<string, Door>,
    ownDoor: door,
    absentDoor: new AbsentDoor(observer, systemClock.nowMs),
    connections: new ConnectionReader([]),
    nowMs: systemClock.nowMs,
    onCertificateError: (error) => errors.push(error),
  })
  return {
    room,
    outcomes,
    lines,
    errors,
    endpoint: `http://127.0.0.1:${listener.httpPort}`,
    stop: () => listener.drain(),
  }
}
