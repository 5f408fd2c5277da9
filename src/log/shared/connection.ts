import { createConnection, type Socket } from 'node:net'
import { MillraceError } from '../../errors/millrace-error.ts'
import { findEndpoint, otherOwner } from './endpoint.ts'
import * as frames from './frames.ts'

/** ms in which a process that accepts a connection says hello. A process that is stopped accepts, and says nothing. */
const GREETING = 5000

/** The connection ended before the answer: whether the request was carried out is not known. */
export class ConnectionLost extends Error {}

interface Asked {
  readonly resolve: (answer: frames.Frame) => void
  readonly reject: (error: unknown) => void
}

/** A connection to the process that holds the log. It does not keep the process alive. */
export class Connection {
  readonly #socket: Socket
  readonly #frames = new frames.FrameReader()
  readonly #asked = new Map<number, Asked>()
  readonly #lost = Promise.withResolvers<void>()
  #last = 0
  #isLost = false
  /** True if the holder has said that it gives the log to another process. */
  moves = false

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /**
   * Connects to the holder of the log in `directory`. Returns undefined if nobody serves it.
   *
   * @throws MR_ATTACH_OWNER, MR_ATTACH_VERSION
   */
  static async open(directory: string): Promise<Connection | undefined> {
    const path = findEndpoint(directory)
    if (path === undefined) return undefined
    const socket = await connect(directory, path)
    if (socket === undefined) return undefined
    const connection = new Connection(socket)
    const rest = await connection.#greet(directory)
    if (rest === undefined) return undefined
    socket.on('data', (chunk) => connection.#receive(chunk))
    socket.on('close', () => connection.#end())
    if (socket.destroyed) connection.#end()
    connection.#receive(rest)
    return connection
  }

  /** Resolves when the connection has ended. */
  get lost(): Promise<void> {
    return this.#lost.promise
  }

  /** Calls something by name. @throws what it throws; ConnectionLost */
  async call(name: string, args: readonly unknown[]): Promise<unknown> {
    const answer = this.ask(frames.CALL, { name, args }).answer
    // JSON has no undefined.
    return (await answer).message ?? undefined
  }

  /** Sends a request. The answer rejects with what the holder throws, or with ConnectionLost. */
  ask(
    kind: number,
    message: unknown,
    payload: readonly Buffer[] = [],
  ): { request: number; answer: Promise<frames.Frame> } {
    const { promise, resolve, reject } = Promise.withResolvers<frames.Frame>()
    const request = (this.#last = (this.#last + 1) >>> 0)
    if (this.#isLost) reject(new ConnectionLost())
    else {
      this.#asked.set(request, { resolve, reject })
      frames.writeFrame(this.#socket, kind, request, message, payload)
    }
    return { request, answer: promise }
  }

  /** Takes a request back, to which no answer comes any more. */
  cancel(request: number): void {
    if (this.#asked.delete(request) && !this.#isLost) frames.writeFrame(this.#socket, frames.CANCEL, request, null)
  }

  close(): void {
    this.#socket.destroy()
    this.#end()
  }

  /** Waits for the other side's hello, and returns what came after it; undefined if the connection ended before. */
  async #greet(directory: string): Promise<Buffer | undefined> {
    const socket = this.#socket
    socket.write(frames.hello())
    const greeting = Promise.withResolvers<Buffer | undefined>()
    let bytes = Buffer.alloc(0)
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length >= frames.HELLO_BYTES) greeting.resolve(bytes)
    }
    const ended = (): void => greeting.resolve(undefined)
    socket.on('data', take)
    socket.once('close', ended)
    const timer = setTimeout(ended, GREETING)
    const received = await greeting.promise
    clearTimeout(timer)
    socket.off('data', take)
    socket.off('close', ended)
    if (received === undefined) {
      socket.destroy()
      return undefined
    }
    const version = frames.versionOf(received)
    if (version === frames.WIRE_VERSION) return received.subarray(frames.HELLO_BYTES)
    socket.destroy()
    throw otherVersion(directory, version)
  }

  #receive(chunk: Buffer): void {
    try {
      this.#frames.push(chunk, (frame) => this.#take(frame))
    } catch {
      this.close()
    }
  }

  #take(frame: frames.Frame): void {
    if (frame.kind === frames.MOVES) {
      this.moves = true
      return
    }
    const asked = this.#asked.get(frame.request)
    // It was taken back meanwhile.
    if (asked === undefined) return
    this.#asked.delete(frame.request)
    if (frame.kind === frames.FAILED) asked.reject(frames.receivedError(frame.message))
    else asked.resolve(frame)
  }

  #end(): void {
    if (this.#isLost) return
    this.#isLost = true
    for (const { reject } of this.#asked.values()) reject(new ConnectionLost())
    this.#asked.clear()
    this.#lost.resolve()
  }
}

/** Returns undefined where nobody listens: what is there was left by a process that died. */
async function connect(directory: string, path: string): Promise<Socket | undefined> {
  const socket = createConnection(path)
  socket.unref()
  const connected = Promise.withResolvers<NodeJS.ErrnoException | undefined>()
  socket.once('connect', () => connected.resolve(undefined))
  socket.on('error', connected.resolve)
  const error = await connected.promise
  if (error === undefined) return socket
  if (error.code === 'EACCES' || error.code === 'EPERM') throw otherOwner(directory, path, undefined, error)
  return undefined
}

function otherVersion(directory: string, version: number | undefined): MillraceError {
  const other = version === undefined ? 'does not answer as Millrace does' : `speaks version ${version}`
  return new MillraceError(
    'MR_ATTACH_VERSION',
    `the process that has the log in ${directory} open ${other}; this one speaks version ${frames.WIRE_VERSION}`,
    { hint: 'Use the same version of Millrace for both, or stop the process that has the log open.' },
  )
}
