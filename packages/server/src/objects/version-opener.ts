/** Opens the content of a version that was found, and finds anew what was replaced meanwhile. */
import { isFault } from '../core/fault.ts'
import type { CallContext } from '../policy/call.ts'
import type { ContentReader } from './content-reader.ts'
import type { ContentRecords } from './content-records.ts'
import type { Protector } from './protection.ts'
import { type StoredStream, streamIdOf } from './stored-content.ts'
import type { CustomerKey, ObjectContent } from './types.ts'
import { COMMIT_ATTEMPTS, type FoundVersion } from './version-store.ts'

/** Of plaintext. */
export interface PlainRange {
  readonly start: number
  readonly endExclusive: number
}

export class VersionOpener {
  readonly #protector: Protector
  readonly #reader: ContentReader
  readonly #contents: ContentRecords

  constructor(protector: Protector, reader: ContentReader, contents: ContentRecords) {
    this.#protector = protector
    this.#reader = reader
    this.#contents = contents
  }

  /** Throws Damaged where content is missing, which may be because the version is not there any more. */
  async open(
    call: CallContext,
    { version, place }: FoundVersion,
    customerKey: CustomerKey | undefined,
    { start, endExclusive }: PlainRange,
  ): Promise<ObjectContent> {
    const protection = await this.#protector.resume(call, place, version.protection, customerKey)
    let streams: readonly StoredStream[]
    try {
      streams = await this.#contents.streams(version.content)
    } catch (error) {
      protection.wipe()
      throw error
    }
    return this.#reader.open(streams, protection, start, endExclusive)
  }
}

/**
 * Opens what is found. Content is removed in the commit that puts other in its place, so what is missing is looked for anew,
 * and damaged only if it is still what was found.
 */
export async function unreplaced<T>(
  find: () => Promise<FoundVersion>,
  open: (found: FoundVersion) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const found = await find()
    try {
      return await open(found)
    } catch (error) {
      if (!isFault(error, 'Damaged') || attempt === COMMIT_ATTEMPTS) throw error
      const now = await find()
      if (streamIdOf(now.version.content) === streamIdOf(found.version.content)) throw error
    }
  }
}
