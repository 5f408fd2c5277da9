import { once } from 'node:events'
import { createServer, STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { BlockList, isIPv6, type AddressInfo, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Logger } from '../../application/application.ts'
import type { PemFiles, Pems } from '../../credentials/pem-files.ts'
import { MillraceError, propertyOf } from '../../errors/millrace-error.ts'
import type { Via } from '../access/access.ts'
import { Connections } from './connections.ts'
import { badRequest, problemOf, PROBLEM_TYPE, shownProblem } from './problem.ts'
import { Reply } from './reply.ts'

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
  /** The certificate of the server, its key, and the authorities of instances; undefined: connections are plain. */
  readonly pems?: PemFiles | undefined
  readonly logger: Logger
  readonly patience?: Patience
}

/** What a request came by, and where the response goes. */
interface Exchange {
  readonly incoming: { readonly socket: object }
  readonly outgoing: object
}

/** A server's socket. */
export class Listener {
  readonly host: string
  readonly port: number
  readonly isEncrypted: boolean
  readonly #server: Server | TlsServer
  readonly #connections: Connections
  readonly #patience: Patience
  readonly #logger: Logger
  #closed: Promise<void> | undefined

  private constructor(
    server: Server | TlsServer,
    connections: Connections,
    patience: Patience,
    logger: Logger,
    isEncrypted: boolean,
  ) {
    this.isEncrypted = isEncrypted
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
    const { host, port, pems, logger, patience = PATIENCE } = options
    const settings = {
      maxHeaderSize: options.mostHeader,
      headersTimeout: patience.headers,
      requestTimeout: patience.request,
      keepAliveTimeout: patience.idle,
      connectionsCheckingInterval: Math.min(patience.headers / 2, 1000),
      // Node would answer without a word. The check is below.
      requireHostHeader: false,
    }
    const server = pems === undefined ? createServer(settings) : await openTls(pems, settings, patience)
    server.timeout = patience.silent
    const connections = new Connections(server, options.mostConnections)
    server.on('clientError', (error, socket) => refuse(error, socket as Socket, connections))
    await listen(server, host, port)
    server.on('error', (error) => logger.error({ err: error }, 'the server could not take a connection'))
    return new Listener(server, connections, patience, logger, pems !== undefined)
  }

  /**
   * Has requests handled from now on.
   *
   * @param isEnding true: the socket will close soon, and clients had better connect elsewhere
   */
  serve(handle: (request: Request, via: Via) => Promise<Reply | Response>, isEnding = (): boolean => false): void {
    const answer = async (request: Request, { incoming, outgoing }: Exchange): Promise<Response> => {
      // True of a certificate that the authorities of instances have signed: a server asks for no other.
      const isPeer = (incoming.socket as Partial<TLSSocket>).authorized === true
      const response = await handle(request, isPeer ? 'peer' : 'socket')
      // A client that keeps its connection would send the next request into a socket that closes.
      const isLast = this.#closed !== undefined || isEnding()
      if (response instanceof Reply) {
        if (isLast) response.headers.connection = 'close'
        response.write(outgoing as ServerResponse)
        return RESPONSE_ALREADY_SENT
      }
      if (isLast) response.headers.set('connection', 'close')
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
      if (!this.#connections.begin(request, response)) return
      if (request.headers.host === undefined && request.httpVersion === '1.1') end(response, noHost())
      else void listener(request, response)
    })
    this.#server.on('checkExpectation', (request, response) => {
      if (this.#connections.begin(request, response)) end(response, unexpected())
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

/** Clients need no certificate; those of instances are known by theirs. */
async function openTls(pems: PemFiles, settings: object, patience: Patience): Promise<TlsServer> {
  let current: Pems = await pems.current()
  const server = createTlsServer({
    ...settings,
    ...current,
    requestCert: current.ca !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: patience.headers,
  })
  // Before each handshake would be too late for it, but not for the next one.
  server.on('connection', () => {
    void pems.current().then((next) => {
      if (next !== current) server.setSecureContext((current = next))
    })
  })
  return server
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
    const known = REASONS[code]
    const { what, hint } = known ?? { what: code, hint: 'Choose another address with listen.' }
    throw new MillraceError('MR_SERVER_LISTEN', `the server cannot listen on ${place}: ${what}`, {
      hint,
      ...(known === undefined ? { cause } : {}),
    })
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

/** Responds with a problem to what no route is to see, and ends the connection. */
function end(response: ServerResponse, error: MillraceError): void {
  const { status, text } = shownProblem(error)
  response.writeHead(status, {
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  })
  response.end(text)
}

function noHost(): MillraceError {
  return badRequest('a request by HTTP/1.1 names its host', 'Send the header Host.')
}

function unexpected(): MillraceError {
  return new MillraceError('MR_SERVER_EXPECT', 'the server does not do what the header Expect asks for', {
    hint: 'Leave the header out.',
  })
}

/** Refuses what is no HTTP, too large or too late. A connection on which a response is being written is cut. */
function refuse(error: Error, socket: Socket, connections: Connections): void {
  const code = propertyOf(error, 'code')
  // Nothing can be said before the handshake has ended, and Node leaves such a connection open.
  const isHandshake = typeof code === 'string' && /^(ERR_TLS|ERR_SSL|EPROTO)/.test(code)
  if (!socket.writable || code === 'ECONNRESET' || isHandshake || connections.isBusy(socket)) {
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
