import { once } from 'node:events'
import { createServer, STATUS_CODES, type Server } from 'node:http'
import { BlockList, isIPv6, type AddressInfo, type Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Logger } from '../../application/application.ts'
import { MillraceError, propertyOf } from '../../errors/millrace-error.ts'
import { Connections } from './connections.ts'
import { badRequest, problemOf, PROBLEM_TYPE, shownProblem } from './problem.ts'

/** ms that clients may take. */
export interface Patience {
  /** To send the headers of a request. */
  readonly headers: number
  /** To send a request. */
  readonly request: number
  /** Between two requests of a connection. */
  readonly idle: number
  /** Without a byte sent or taken. */
  readonly silent: number
  /** For requests that run when the server closes. */
  readonly close: number
}

export const PATIENCE: Patience = { headers: 10_000, request: 30_000, idle: 30_000, silent: 120_000, close: 5000 }

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** Bytes of headers. */
  readonly mostHeader: number
  readonly mostConnections: number
  readonly logger: Logger
  readonly patience?: Patience
}

/** A server's socket. */
export class Listener {
  readonly host: string
  readonly port: number
  readonly #server: Server
  readonly #connections: Connections
  readonly #patience: Patience
  readonly #logger: Logger
  #closed: Promise<void> | undefined

  private constructor(server: Server, connections: Connections, patience: Patience, logger: Logger) {
    this.#server = server
    this.#connections = connections
    this.#patience = patience
    this.#logger = logger
    const { address, port } = server.address() as AddressInfo
    this.host = address
    this.port = port
  }

  /** Opens the socket. `serve` must follow at once. @throws MR_SERVER_LISTEN */
  static async open(options: ListenerOptions): Promise<Listener> {
    const { host, port, logger, patience = PATIENCE } = options
    const server = createServer({
      maxHeaderSize: options.mostHeader,
      headersTimeout: patience.headers,
      requestTimeout: patience.request,
      keepAliveTimeout: patience.idle,
      connectionsCheckingInterval: Math.min(patience.headers / 2, 1000),
    })
    server.timeout = patience.silent
    const connections = new Connections(server, options.mostConnections)
    server.on('clientError', (error, socket) => refuse(error, socket as Socket, connections))
    await listen(server, host, port)
    server.on('error', (error) => logger.error({ err: error }, 'the server could not take a connection'))
    return new Listener(server, connections, patience, logger)
  }

  /** Has requests handled from now on. */
  serve(handle: (request: Request) => Promise<Response>): void {
    const answer = async (request: Request): Promise<Response> => {
      const response = await handle(request)
      // A client that keeps its connection would send the next request into a socket that closes.
      if (this.#closed !== undefined) response.headers.set('connection', 'close')
      return response
    }
    const options = {
      // For HTTP/1.0, whose requests may have no Host.
      hostname: 'localhost',
      // The classes of requests and responses are the application's as well.
      overrideGlobalObjects: false,
      errorHandler: () =>
        problemOf(badRequest('the URL cannot be read', 'Send a path that begins with /.'), this.#logger),
    }
    const listener = getRequestListener(answer, options)
    this.#server.on('request', (request, response) => {
      if (this.#connections.begin(request, response)) void listener(request, response)
    })
  }

  /** True if only this machine can reach it. */
  get isLoopback(): boolean {
    return LOOPBACK.check(this.host, isIPv6(this.host) ? 'ipv6' : 'ipv4')
  }

  /** Number of connections. */
  get connections(): number {
    return this.#connections.size
  }

  /** Takes no more requests, and waits for those that run, but not long. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#connections.closeIdle()
    const timer = setTimeout(() => this.#server.closeAllConnections(), this.#patience.close)
    await closed
    clearTimeout(timer)
  }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

async function listen(server: Server, host: string, port: number): Promise<void> {
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
  } catch (cause) {
    const code = String(propertyOf(cause, 'code') ?? 'error')
    const { what, hint } = REASONS[code] ?? { what: code, hint: 'Choose another address with listen.' }
    throw new MillraceError('MR_SERVER_LISTEN', `the server cannot listen on ${place}: ${what}`, { hint, cause })
  }
}

const REASONS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  EADDRINUSE: {
    what: 'somebody else listens there',
    hint: 'End the other one, or choose another port: with port 0 it is any that is free.',
  },
  EADDRNOTAVAIL: { what: 'this machine has no such address', hint: 'Choose one of its addresses, or 0.0.0.0 for all.' },
  EACCES: { what: 'this user may not', hint: 'Choose a port from 1024 on.' },
  ENOTFOUND: { what: 'the name is unknown', hint: 'Choose an address of this machine, or 0.0.0.0 for all.' },
}

/** Refuses what is no HTTP, too large or too late. A connection on which a response is being written is cut. */
function refuse(error: Error, socket: Socket, connections: Connections): void {
  const code = propertyOf(error, 'code')
  if (!socket.writable || code === 'ECONNRESET' || connections.isBusy(socket)) {
    socket.destroy()
    return
  }
  const { status, text } = shownProblem(refusal(code))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

function refusal(code: unknown): MillraceError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new MillraceError('MR_SERVER_HEADERS', 'the headers and the URL are too large', {
      hint: 'Send less, or raise limits.header of serve().',
    })
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new MillraceError('MR_SERVER_SLOW', 'the request took too long to come', { hint: 'Send it at once.' })
  }
  return badRequest('this is no HTTP request that the server understands', 'Send HTTP/1.1.')
}
