/**
 * Openers of streams read lately: deriving a stream's keys costs more than opening a small object. Who asks must still
 * hold the stream's data key, so every read is authorised, counted and audited as if nothing were remembered.
 */
import { timingSafeEqual } from 'node:crypto'
import type { DataKey } from '@strongroom/crypto'
import { createOpener, type StreamOpener } from '@strongroom/crypto/node'
import { Recent } from '../core/recent.ts'

const MOST_OPENERS = 2_000

export class RecentOpeners {
  readonly #known = new Recent<{ readonly dataKey: Uint8Array; readonly opener: StreamOpener }>(MOST_OPENERS)

  /** `header` in base64; `streamId` in hex. Throws SealError as `createOpener` does. */
  open(dataKey: DataKey, header: string, streamId: string, partNumber: number): StreamOpener {
    // A header holds a salt of its own and the commitment to its key, so it names one stream.
    const name = `${streamId}/${partNumber}/${header}`
    const known = this.#known.get(name)
    if (known && timingSafeEqual(known.dataKey, dataKey.bytes())) return known.opener
    const opener = createOpener(dataKey, Buffer.from(header, 'base64'), {
      streamId: Buffer.from(streamId, 'hex'),
      partNumber,
    })
    this.#known.set(name, { dataKey: Uint8Array.from(dataKey.bytes()), opener })
    return opener
  }
}
