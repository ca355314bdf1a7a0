/** What GetObjectAttributes asks of an object: what a HEAD does, and which parts it was uploaded in. */
import type { CallContext } from '../policy/call.ts'
import type { RecordStore } from '../records/record-store.ts'
import { ContentRecords } from './content-records.ts'
import type { Protector } from './protection.ts'
import type { GetInput, ObjectFacts } from './types.ts'
import { unreplaced } from './version-opener.ts'
import type { VersionStore } from './version-store.ts'

export type AttributesInput = Omit<GetInput, 'range' | 'partNumber'>

export interface ObjectPart {
  /** As a GET by part counts, from 1. */
  readonly partNumber: number
  readonly plaintextSize: number
  /** Base64, of the object's checksum algorithm. */
  readonly checksum: string
}

export interface ObjectAttributesOptions {
  readonly records: RecordStore
  readonly protector: Protector
  readonly versions: VersionStore
}

export class ObjectAttributes {
  readonly #protector: Protector
  readonly #versions: VersionStore
  readonly #contents: ContentRecords

  constructor(options: ObjectAttributesOptions) {
    this.#protector = options.protector
    this.#versions = options.versions
    this.#contents = new ContentRecords(options.records)
  }

  /** `parts` is undefined of an object that was not uploaded in parts. Throws what a HEAD would. */
  async read(
    call: CallContext,
    input: AttributesInput,
  ): Promise<{ readonly facts: ObjectFacts; readonly parts: readonly ObjectPart[] | undefined }> {
    return unreplaced(
      () => this.#versions.find(call, input),
      async ({ facts, place, version }) => {
        this.#protector.verifyRead(call, place, version.protection, input.customerKey)
        const { content } = version
        if (content.kind === 'stream') return { facts, parts: undefined }
        const { parts } = await this.#contents.manifest(content.streamId)
        return {
          facts,
          parts: parts.map(({ stream: { plaintextSize }, checksum }, index) => ({
            partNumber: index + 1,
            plaintextSize,
            checksum,
          })),
        }
      },
    )
  }
}
