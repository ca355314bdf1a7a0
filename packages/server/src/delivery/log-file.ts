/** One log file in the making: records go in as they are, gzip comes out, and what was in before is hashed. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createGzip } from 'node:zlib'

export interface LogFileContent {
  readonly body: Buffer
  /** SHA-256 of the file before compression, in hex. */
  readonly hashValue: string
  readonly oldestEventTime: string
  readonly newestEventTime: string
}

export class LogFile {
  readonly #gzip = createGzip()
  readonly #hash = createHash('sha256')
  readonly #pieces: Buffer[] = []
  readonly #ended: Promise<unknown>
  #oldest = ''
  #newest = ''
  #isEmpty = true

  constructor() {
    this.#gzip.on('data', (piece: Buffer) => this.#pieces.push(piece))
    this.#ended = once(this.#gzip, 'end')
  }

  /** `eventTime`: of the record, as it stands in it. The bytes are not kept. */
  async add(record: Uint8Array, eventTime: string): Promise<void> {
    if (this.#isEmpty || eventTime < this.#oldest) this.#oldest = eventTime
    if (this.#isEmpty || eventTime > this.#newest) this.#newest = eventTime
    await this.#write(this.#isEmpty ? '{"Records":[' : ',')
    this.#isEmpty = false
    await this.#write(record)
  }

  /** Of a file with one record at least. */
  async finish(): Promise<LogFileContent> {
    await this.#write(']}')
    this.#gzip.end()
    await this.#ended
    return {
      body: Buffer.concat(this.#pieces),
      hashValue: this.#hash.digest('hex'),
      oldestEventTime: this.#oldest,
      newestEventTime: this.#newest,
    }
  }

  async #write(text: string | Uint8Array): Promise<void> {
    this.#hash.update(text)
    if (!this.#gzip.write(text)) await once(this.#gzip, 'drain')
  }
}
