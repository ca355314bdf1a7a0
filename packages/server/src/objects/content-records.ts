/** The records that content leaves beside its version: references to blobs, inline bytes, manifests, garbage. */
import { Fault } from '../core/fault.ts'
import type { RecordStore } from '../records/record-store.ts'
import type { Mutation } from '../storage/catalog.ts'
import type { WrittenContent } from './content-writer.ts'
import { blobReference, garbageBlob, inlineContent, type Manifest, manifestRecord, names } from './records.ts'
import type { StoredContent, StoredStream } from './stored-content.ts'

/** A reader that found content just before it was given up has this long to open its blob. */
const GARBAGE_GRACE_MS = 60_000

export class ContentRecords {
  readonly #records: RecordStore

  constructor(records: RecordStore) {
    this.#records = records
  }

  /** The manifest of an object in parts. Throws Damaged where it is missing. */
  async manifest(streamId: string): Promise<Manifest> {
    const stored = await this.#records.get(manifestRecord, names.manifest(streamId))
    if (!stored) throw new Fault('Damaged', { what: `manifest ${streamId}` })
    return stored.value
  }

  /** The streams of an object's content, in their order. */
  async streams(content: StoredContent): Promise<readonly StoredStream[]> {
    if (content.kind === 'stream') return [content.stream]
    return (await this.manifest(content.streamId)).parts.map(({ stream }) => stream)
  }

  /** What a commit that first names this content must write. */
  keep({ stream, inline }: Pick<WrittenContent, 'stream' | 'inline'>): Mutation[] {
    const { place } = stream
    return place.kind === 'blob'
      ? [this.#records.put(blobReference, names.blob(place.id), {})]
      : [this.#records.putBytes(inlineContent, names.inline(place.id), inline!)]
  }

  /** What the commit that gives up an object's content must write. */
  async release(content: StoredContent, nowMs: number): Promise<Mutation[]> {
    const streams = (await this.streams(content)).flatMap((stream) => this.releaseStream(stream, nowMs))
    if (content.kind === 'stream') return streams
    return [...streams, this.#records.remove(manifestRecord, names.manifest(content.streamId))]
  }

  releaseStream({ place }: StoredStream, nowMs: number): Mutation[] {
    if (place.kind === 'inline') return [this.#records.remove(inlineContent, names.inline(place.id))]
    return [
      this.#records.remove(blobReference, names.blob(place.id)),
      this.#records.put(garbageBlob, names.garbage(nowMs + GARBAGE_GRACE_MS, place.id), {}),
    ]
  }
}
