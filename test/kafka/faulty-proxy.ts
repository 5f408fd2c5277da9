import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** Stands between client and broker and loses answers on demand. */
export class FaultyProxy {
  readonly #server: Server
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  #loseReplyTo: number | undefined
  #onLost: () => void = () => undefined
  #lost = 0
  #isDown = false

  private constructor(server: Server, target: () => number) {
    this.#server = server
    this.#target = target
    server.on('connection', (client) => this.#serve(client))
  }

  /** @param target port of the broker, asked at every connection */
  static async listen(port: number, target: () => number): Promise<FaultyProxy> {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new FaultyProxy(server, target)
  }

  /** How many answers were lost so far. */
  get lost(): number {
    return this.#lost
  }

  /** The next request of this API reaches the broker; its answer is lost and the connection breaks. */
  loseReplyTo(apiKey: number, onLost: () => void = () => undefined): void {
    this.#loseReplyTo = apiKey
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
    let isLosing = false
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        broker.destroy()
      })
    }
    // Every request of these tests is small enough to arrive in one piece.
    client.on('data', (request) => {
      if (this.#loseReplyTo !== undefined && request.length >= 6 && request.readInt16BE(4) === this.#loseReplyTo) {
        this.#loseReplyTo = undefined
        isLosing = true
      }
      broker.write(request)
    })
    broker.on('data', (reply) => {
      if (!isLosing) {
        client.write(reply)
        return
      }
      this.#lost++
      client.destroy()
      this.#onLost()
    })
  }
}
