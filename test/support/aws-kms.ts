/** `aws kms` against a test server: what it replies, how it shows a refusal, and which commands no CLI here knows. */
import { execFile } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { clientEnvironment } from './clients.ts'
import type { Credentials, TestServer } from './server.ts'

const execute = promisify(execFile)

/** A command that no AWS CLI here knows, or an option of it; it has been said aloud. */
export class UnknownToCli extends Error {}

/** A refusal as the CLI prints it. */
export class Refusal extends Error {
  readonly code: string
  readonly operation: string
  constructor([, code, operation, message]: RegExpExecArray) {
    super(message!.trim())
    this.code = code!
    this.operation = operation!
  }
}

/** `aws` of PATH, the system's first, then what a developer has beside it: an older one lacks newer commands. */
export class AwsKms {
  /** Commands that have succeeded. */
  readonly done = new Set<string>()
  /** Commands that no CLI here knows. */
  readonly skipped = new Set<string>()
  readonly #server: TestServer
  readonly #dir: string
  readonly #programs: readonly string[]

  constructor(server: TestServer, dir: string) {
    this.#server = server
    this.#dir = dir
    const places = clientEnvironment(server, dir)
      .PATH!.split(delimiter)
      .map((place) => join(place, 'aws'))
    const distinct = new Map(places.filter((path) => existsSync(path)).map((path) => [realpathSync(path), path]))
    this.#programs = [...distinct.values()]
  }

  /**
   * Runs command lines such as `describe-key --key-id alias/x` as `who`; no word of them has a space in it. Each resolves to
   * the reply, and rejects with Refusal or UnknownToCli.
   */
  as(who: Credentials) {
    const env = clientEnvironment(this.#server, this.#dir, who)
    return async (line: string) => {
      const words = line.split(' ')
      const command = words[0]!
      const args = ['--endpoint-url', this.#server.https, 'kms', ...words]
      let unknown = command
      for (const program of this.#programs) {
        try {
          const { stdout } = await execute(program, args, { env, cwd: this.#dir })
          this.done.add(command)
          return JSON.parse(stdout || '{}')
        } catch (error) {
          const { stderr = '' } = error as { stderr?: string }
          const option = UNKNOWN_OPTION.exec(stderr)
          if (!option && !UNKNOWN_COMMAND.test(stderr)) throw refusalIn(stderr) ?? error
          if (option) unknown = `${command} ${option[1]}`
        }
      }
      if (unknown === command) this.skipped.add(command)
      const message = `aws kms ${unknown}: this AWS CLI does not know it`
      console.log(`SKIPPED: ${message}`)
      throw new UnknownToCli(message)
    }
  }
}

/** What a call was refused with; fails the test where it was not. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const reply = await call.catch((error) => {
    if (error instanceof Refusal) return error
    throw error
  })
  if (reply instanceof Refusal) return reply
  throw new Error(`the call was expected to be refused, and gave ${JSON.stringify(reply).slice(0, 300)}`)
}

function refusalIn(stderr: string): Refusal | undefined {
  const found = REFUSAL.exec(stderr)
  return found ? new Refusal(found) : undefined
}

const UNKNOWN_COMMAND = /argument operation: .*invalid choice/i
/** Options younger than their commands; any other is a mistake of the test. */
const UNKNOWN_OPTION = /Unknown options: (--dry-run|--rotation-period-in-days)/
const REFUSAL = /An error occurred \((\w+)\) when calling the (\w+) operation(?: \(reached max retries: \d+\))?:(.*)/
