import { createServer, type Server, type Socket } from 'node:net'
import { listen, type Endpoint } from './endpoint.ts'
import { hello, HELLO_BYTES, versionOf, WIRE_VERSION } from './frames.ts'
import { Session, type SessionHost } from './session.ts'

/** Serves a log that this process holds to others on this machine. It does not keep the process alive. */
export class LogServer {
  readonly #host: SessionHost
  readonly #server: Server
  readonly #sockets = new Map<Socket, Session | undefined>()
  #endpoint: Endpoint | undefined

  private constructor(host: SessionHost) {
    this.#host = host
    this.#server = createServer((socket) => this.#connected(socket))
    // One connection that fails, for want of files perhaps, is no matter of the others.
    this.#server.on('error', () => {})
    this.#server.unref()
  }

  /** Starts to serve the log in `directory`. Rejects if the system lets no socket be made. */
  static async start(directory: string, host: SessionHost): Promise<LogServer> {
    const server = new LogServer(host)
    try {
      server.#endpoint = await listen(server.#server, directory)
      return server
    } catch (error) {
      server.#server.close()
      throw error
    }
  }

  /** Stops: what was asked before is answered. @param moves true if another process gets the log */
  async stop(moves = false): Promise<void> {
    // The name goes before the lock does: it would be that of the next holder.
    this.#server.close()
    this.#endpoint?.remove()
    await Promise.all(
      Array.from(this.#sockets, async ([socket, session]) => {
        if (session === undefined) socket.destroy()
        else await session.end(moves)
      }),
    )
  }

  #connected(socket: Socket): void {
    socket.unref()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    this.#sockets.set(socket, undefined)
    socket.write(hello())
    let greeting = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      const session = this.#sockets.get(socket)
      if (session !== undefined) {
        session.receive(chunk)
        return
      }
      greeting = Buffer.concat([greeting, chunk])
      if (greeting.length < HELLO_BYTES) return
      // The other side has got the version of this one, and says what is wrong.
      if (versionOf(greeting) !== WIRE_VERSION) {
        socket.end()
        return
      }
      const opened = new Session(socket, this.#host)
      this.#sockets.set(socket, opened)
      opened.receive(greeting.subarray(HELLO_BYTES))
    })
  }
}
