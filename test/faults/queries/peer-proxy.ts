import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A proxy before the port of an instance, for what can happen to the connections of its peers. */
export class PeerProxy {
  readonly #server: Server
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  #state: 'open' | 'cut' | 'stalled' = 'open'

  private constructor(server: Server, target: () => number) {
    this.#server = server
    this.#target = target
    server.on('connection', (peer) => this.#pass(peer))
  }

  /** @param target returns the port of the instance, at every connection; 0: it has none yet */
  static async listen(target: () => number): Promise<PeerProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PeerProxy(server, target)
  }

  /** `HOST:PORT` where peers connect. */
  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Breaks every connection, and new ones too until `restore`. */
  cut(): void {
    this.#state = 'cut'
    this.reset()
  }

  /** Lets no byte pass until `restore`, while connections stay open and new ones are taken. */
  stall(): void {
    this.#state = 'stalled'
    for (const socket of this.#sockets) socket.pause()
  }

  restore(): void {
    this.#state = 'open'
    for (const socket of this.#sockets) socket.resume()
  }

  /** Breaks every connection at once, as a machine does that has forgotten them. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.reset()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(peer: Socket): void {
    const port = this.#target()
    if (this.#state === 'cut' || port === 0) {
      peer.on('error', () => undefined)
      peer.resetAndDestroy()
      return
    }
    const instance = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [peer, instance],
      [instance, peer],
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => undefined)
      from.on('data', (bytes) => to.write(bytes))
      from.on('end', () => to.end())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (this.#state === 'stalled') from.pause()
    }
  }
}
