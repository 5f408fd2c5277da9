import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of a connection that run at a time. Few clients send one before the last is answered. */
const MOST_RUNNING = 16

/**
 * The connections of a server, of which there are at most so many. One more takes the place of the one that has been
 * idle longest, so that thousands of silent ones cannot keep a probe out. Idle is one on which no request runs; its
 * headers may be on their way.
 */
export class Connections {
  readonly #most: number
  /** Number of requests that run, by `keyOf`. */
  readonly #busy = new Map<string, number>()
  /** In the order in which they became idle, by `keyOf`. */
  readonly #idle = new Map<string, Socket>()

  constructor(server: Server, most: number) {
    this.#most = most
    server.on('connection', (socket) => this.#open(socket))
  }

  get size(): number {
    return this.#idle.size + this.#busy.size
  }

  /** True while a request runs on the connection. */
  isBusy(socket: Socket): boolean {
    return this.#busy.has(keyOf(socket))
  }

  /** Ends those on which no request runs. Node waits for a connection that has sent nothing yet. */
  closeIdle(): void {
    for (const socket of this.#idle.values()) socket.destroy()
  }

  /**
   * Counts a request. Returns false for one that must not be handled: it is one more than may run on its connection,
   * which ends, or it was read together with that one.
   */
  begin({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const key = keyOf(socket)
    const running = this.#busy.get(key) ?? 0
    if (running >= MOST_RUNNING) socket.destroy()
    if (socket.destroyed) return false
    this.#idle.delete(key)
    this.#busy.set(key, running + 1)
    response.once('close', () => this.#end(key, socket))
    return true
  }

  #open(socket: Socket): void {
    if (this.size >= this.#most) {
      const [oldest] = this.#idle
      if (oldest === undefined) {
        socket.destroy()
        return
      }
      this.#forget(oldest[0])
      oldest[1].destroy()
    }
    const key = keyOf(socket)
    this.#idle.set(key, socket)
    socket.once('close', () => this.#forget(key))
  }

  /** Requests may follow each other before the first is answered. */
  #end(key: string, socket: Socket): void {
    const running = this.#busy.get(key)
    if (running === undefined) return
    if (running > 1) this.#busy.set(key, running - 1)
    else {
      this.#busy.delete(key)
      if (!socket.destroyed) this.#idle.set(key, socket)
    }
  }

  #forget(key: string): void {
    this.#idle.delete(key)
    this.#busy.delete(key)
  }
}

/** Names a connection. With TLS a request has another object for its socket than the connection that was opened. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
