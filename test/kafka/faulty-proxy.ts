import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** A proxy between client and broker that loses responses on demand. */
export class FaultyProxy {
  readonly #server: Server
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  #loses: (apiKey: number) => boolean = () => false
  #onLost: () => void = () => undefined
  #lost = 0
  #isDown = false

  private constructor(server: Server, target: () => number) {
    this.#server = server
    this.#target = target
    server.on('connection', (client) => this.#serve(client))
  }

  /** @param target returns the port of the broker, at every connection */
  static async listen(port: number, target: () => number): Promise<FaultyProxy> {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new FaultyProxy(server, target)
  }

  /** Number of responses lost so far. */
  get lost(): number {
    return this.#lost
  }

  /** Loses the response to the next request of this API, which reaches the broker, and breaks the connection. */
  loseReplyTo(apiKey: number, onLost: () => void = () => undefined): void {
    this.loseReplies((requested) => {
      if (requested !== apiKey) return false
      this.#loses = () => false
      return true
    }, onLost)
  }

  /** Loses the responses to requests that `loses` chooses, which reach the broker, and breaks their connections. */
  loseReplies(loses: (apiKey: number) => boolean, onLost: () => void = () => undefined): void {
    this.#loses = loses
    this.#onLost = onLost
  }

  /** Breaks every connection, and new ones too until `restore`. */
  cut(): void {
    this.#isDown = true
    for (const socket of this.#sockets) socket.destroy()
  }

  restore(): void {
    this.#isDown = false
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(client: Socket): void {
    if (this.#isDown) {
      client.destroy()
      return
    }
    const broker = connect(this.#target(), '127.0.0.1')
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        broker.destroy()
      })
    }
    /** Correlation ids of the requests whose responses must be lost. */
    const losing = new Set<number>()
    const requests = new Frames((head) => {
      if (this.#loses(head.readInt16BE(0))) losing.add(head.readInt32BE(4))
      return true
    }, 8)
    const replies = new Frames((head) => !losing.has(head.readInt32BE(0)), 4)
    client.on('data', (bytes) => {
      requests.take(bytes)
      broker.write(bytes)
    })
    broker.on('data', (bytes) => {
      const passing = replies.take(bytes)
      if (passing > 0) client.write(passing === bytes.length ? bytes : bytes.subarray(0, passing))
      if (passing === bytes.length) return
      this.#lost++
      client.destroy()
      broker.destroy()
      this.#onLost()
    })
  }
}

/** Finds the frames in a stream of bytes: each is a length of 4 bytes, followed by that many bytes. */
class Frames {
  readonly #passes: (head: Buffer) => boolean
  readonly #headLength: number
  /** Length and first bytes of the frame that begins, as far as they have come. */
  #head: Buffer = Buffer.alloc(0)
  /** Bytes of the frame after its head that are still to come. */
  #left = 0

  /** @param passes called for each frame once `headLength` bytes of it are there */
  constructor(passes: (head: Buffer) => boolean, headLength: number) {
    this.#passes = passes
    this.#headLength = headLength
  }

  /** Returns how many of the bytes lie before the first frame that must not pass. */
  take(bytes: Buffer): number {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, bytes.length - at)
        this.#left -= skipped
        at += skipped
        continue
      }
      const begun = this.#head.length
      const missing = 4 + this.#headLength - begun
      const more = bytes.subarray(at, at + missing)
      this.#head = Buffer.concat([this.#head, more])
      if (more.length < missing) return bytes.length
      if (!this.#passes(this.#head.subarray(4))) return at
      this.#left = this.#head.readInt32BE(0) - this.#headLength
      this.#head = Buffer.alloc(0)
      at += more.length
    }
    return bytes.length
  }
}
