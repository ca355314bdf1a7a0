/** One keep-alive connection of the load: sends a request that is ready as bytes and counts what comes back. */
import { connect } from 'node:net'
import { connect as connectSecurely } from 'node:tls'

const WRITE_BYTES = 1024 * 1024

export class Connection {
  #socket
  #head = Buffer.alloc(0)
  #bodyLeft
  #status = 0
  #settle

  static async open({ host, port, ca }) {
    const connection = new Connection()
    await connection.#open({ host, port, ca })
    return connection
  }

  /** Resolves once the whole reply has come; rejects for any status but 200. */
  send(head, body) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#head = Buffer.alloc(0)
      this.#bodyLeft = undefined
      this.#socket.write(head)
      this.#sendBody(body, 0)
    })
  }

  close() {
    this.#socket.destroy()
  }

  #open({ host, port, ca }) {
    return new Promise((resolve, reject) => {
      // One buffer for all that is read: the load should cost as little as it can.
      const onread = {
        buffer: Buffer.allocUnsafe(256 * 1024),
        callback: (length, buffer) => {
          this.#receive(buffer.subarray(0, length))
          return true
        },
      }
      if (ca === undefined) this.#socket = connect({ host, port, onread, noDelay: true }, resolve)
      else {
        this.#socket = connectSecurely({ host, port, ca, servername: 'localhost' }, resolve)
        this.#socket.setNoDelay(true)
        this.#socket.on('data', (bytes) => this.#receive(bytes))
      }
      this.#socket.once('error', reject)
      this.#socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')))
    })
  }

  #sendBody(body, at) {
    while (at < body.length) {
      const piece = body.subarray(at, at + WRITE_BYTES)
      at += piece.length
      if (!this.#socket.write(piece)) {
        this.#socket.once('drain', () => this.#sendBody(body, at))
        return
      }
    }
  }

  #receive(bytes) {
    if (this.#bodyLeft === undefined) {
      this.#head = Buffer.concat([this.#head, bytes])
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return
      const text = this.#head.toString('latin1', 0, end)
      this.#status = Number(text.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(text)
      if (this.#status !== 200 || !length) {
        this.#settle.reject(new Error(`unexpected reply:\n${this.#head.toString('latin1').slice(0, 1000)}`))
        return
      }
      this.#bodyLeft = Number(length[1]) - (this.#head.length - end - 4)
    } else this.#bodyLeft -= bytes.length
    if (this.#bodyLeft === 0) this.#settle.resolve()
  }
}
