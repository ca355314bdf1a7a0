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
  /** What goes to gzip together, since each write of it costs more than a record does. */
  #block = Buffer.allocUnsafe(BLOCK_BYTES)
  #filled = 0
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
    const before = this.#isEmpty ? BEGINNING : COMMA
    this.#isEmpty = false
    if (this.#filled + before.length + record.length > BLOCK_BYTES) await this.#flush()
    this.#put(before)
    if (record.length <= BLOCK_BYTES - this.#filled) return this.#put(record)
    await this.#flush()
    await this.#write(record)
  }

  /** Of a file with one record at least. */
  async finish(): Promise<LogFileContent> {
    await this.#flush()
    await this.#write(END)
    this.#gzip.end()
    await this.#ended
    return {
      body: Buffer.concat(this.#pieces),
      hashValue: this.#hash.digest('hex'),
      oldestEventTime: this.#oldest,
      newestEventTime: this.#newest,
    }
  }

  #put(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  async #flush(): Promise<void> {
    const block = this.#block.subarray(0, this.#filled)
    this.#block = Buffer.allocUnsafe(BLOCK_BYTES)
    this.#filled = 0
    await this.#write(block)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    if (!this.#gzip.write(bytes)) await once(this.#gzip, 'drain')
  }
}

const BLOCK_BYTES = 64 * 1024
const [BEGINNING, COMMA, END] = ['{"Records":[', ',', ']}'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]
