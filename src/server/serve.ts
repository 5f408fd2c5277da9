import { MillraceError } from '../errors/millrace-error.ts'
import { show } from '../options/option.ts'
import { readOptions, type Values } from '../options/options.ts'
import type { Application } from '../application/application.ts'
import type { Companion, CompanionHost } from '../runtime/companion.ts'
import { PemFiles } from '../credentials/pem-files.ts'
import { Access, type Via } from './access/access.ts'
import { Tokens } from './access/tokens.ts'
import { Listener } from './http/listener.ts'
import { problemOf } from './http/problem.ts'
import type { Reply } from './http/reply.ts'
import type { Served } from './http/route.ts'
import { Router, type RouterOptions } from './http/router.ts'
import { Watches } from './http/watches.ts'
import { FAMILIES } from './routes/families.ts'
import { requireWritable } from './routes/topics/own-topics.ts'
import { SERVE, type ServerOptions, type ServerToken } from './server-options.ts'

/** Where a server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** For clients on this machine: `http://127.0.0.1:8080`. */
  readonly url: string
}

/** A server of a running application. It ends with the application, or when it is closed. */
export interface Server extends AsyncDisposable {
  /** Undefined with `listen: 'none'`. */
  readonly address: ServerAddress | undefined
  /**
   * Handles a request without a socket, for programs that have a server of their own, and for tests. Unless `auth` was
   * given, only probes and metrics answer: what stands before it may be open to anybody.
   *
   * @example
   * ```ts
   * const response = await server.fetch(new Request('http://localhost/readyz'))
   * ```
   */
  fetch(request: Request): Promise<Response>
  /** Takes no more requests, and waits up to 5 s for those that run. The application goes on. */
  close(): Promise<void>
}

/**
 * Serves a running application over HTTP: probes, its topology, tasks and stores, and an OpenAPI document of all of it.
 * On the loopback address everybody may read. On a wider one only probes and metrics answer until `auth` is given.
 *
 * @throws MR_CONFIG; MR_SERVER_LISTEN if the address cannot be had; MR_SERVER_TOKENS if a token file or variable cannot
 * be used, MR_SERVER_CERTIFICATE if a certificate cannot; MR_CLOSED if the application is closing
 * @example
 * ```ts
 * await using streams = await Streams.start(app, { log })
 * await using server = await serve(streams, { listen: '0.0.0.0:8080', auth: { tokens: [{ file, role: 'read' }] } })
 * ```
 */
export async function serve(streams: CompanionHost, given: ServerOptions = {}): Promise<Server> {
  requireStreams(streams)
  const options = readOptions(SERVE, given, 'serve()')
  const { listen, hosts, cors: origins, limits, deadLetters, pages, writableTopics } = options
  requireWritable(writableTopics, streams)
  const { app } = streams
  const { logger } = app.settings
  const { tokens, listener } = await openParts(options, app)
  const isLoopback = listener?.isLoopback ?? true
  const names = [...hosts, ...ownNames(streams), ...(listen === 'none' ? [] : [listen.host])]
  const access = new Access({
    auth: tokens,
    hosts: names,
    origins,
    isLoopback,
    isPeer: (token) => streams.peers.door.accepts(token),
    logger,
  })
  const watches = new Watches(limits.watches)
  const ends: (() => Promise<void>)[] = []
  const served: Served = {
    streams,
    deadLetters,
    watches,
    pages,
    settings: shownSettings(streams, given),
    writableTopics: new Set(writableTopics),
    atClose: (end) => void ends.push(end),
  }
  const routes = FAMILIES.flatMap((family) => family(served))
  const count: RouterOptions['count'] = (...request) => streams.counters.request(...request)
  const router = new Router({ routes, access, mostBody: limits.body, origins, logger, count })
  const server = new AppServer(streams, router, watches, listener, ends)
  access.warnOnce('socket')
  try {
    await streams.attach(server)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/**
 * Finds out what would keep `serve` from serving an application, before that is started: an address that somebody else
 * has, files that cannot be read.
 *
 * @throws MR_CONFIG, MR_SERVER_LISTEN, MR_SERVER_TOKENS, MR_SERVER_CERTIFICATE
 */
export async function requireServable(app: Application, given: ServerOptions): Promise<void> {
  const { listener } = await openParts(readOptions(SERVE, given, 'serve()'), app)
  await listener?.close()
}

interface Parts {
  readonly tokens: Tokens | 'none' | undefined
  readonly listener: Listener | undefined
}

async function openParts(options: Values<typeof SERVE>, app: Application): Promise<Parts> {
  const { listen, auth, tls, limits, deadLetters } = options
  if (deadLetters) requireDeadLetters(app)
  const { logger } = app.settings
  const tokens = typeof auth === 'object' ? await Tokens.open(auth.tokens, logger) : auth
  const { header: mostHeader, connections: mostConnections } = limits
  const pems =
    tls === undefined ? undefined : await PemFiles.open({ cert: tls.cert, key: tls.key, ca: tls.peerCa }, logger)
  if (listen === 'none') return { tokens, listener: undefined }
  return { tokens, listener: await Listener.open({ ...listen, mostHeader, mostConnections, pems, logger }) }
}

class AppServer implements Server, Companion {
  readonly name: string
  readonly address: ServerAddress | undefined
  readonly #streams: CompanionHost
  readonly #router: Router
  readonly #watches: Watches
  readonly #listener: Listener | undefined
  readonly #ends: readonly (() => Promise<void>)[]
  #requests = 0
  #isClosed = false

  constructor(
    streams: CompanionHost,
    router: Router,
    watches: Watches,
    listener: Listener | undefined,
    ends: readonly (() => Promise<void>)[],
  ) {
    this.#ends = ends
    this.#streams = streams
    this.#router = router
    this.#watches = watches
    this.#listener = listener
    this.address = listener === undefined ? undefined : addressOf(listener)
    this.name = freeName(streams, this.address === undefined ? 'server' : `server ${this.address.url}`)
    listener?.serve(
      (request, via) => this.#answer(request, via),
      () => streams.isDraining,
    )
  }

  start(): void {}

  async stop(): Promise<void> {
    this.#isClosed = true
    this.#watches.close()
    await this.#listener?.close()
    for (const end of this.#ends) await end()
  }

  status(): object {
    const watches = this.#watches.size
    return { url: this.address?.url, requests: this.#requests, connections: this.#listener?.connections, watches }
  }

  async fetch(request: Request): Promise<Response> {
    this.#requests++
    return this.#isClosed ? this.#refusal() : await this.#router.handle(request, 'fetch')
  }

  async close(): Promise<void> {
    await this.#streams.detach(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #answer(request: Request, via: Via): Promise<Reply | Response> {
    this.#requests++
    return this.#isClosed ? this.#refusal() : this.#router.answer(request, via)
  }

  #refusal(): Response {
    return problemOf(closed(), this.#streams.app.settings.logger)
  }
}

/** Returns the name that other instances call this one by. */
function ownNames(streams: CompanionHost): string[] {
  const endpoint = streams.instances().find(({ isLocal }) => isLocal)?.endpoint
  return endpoint === undefined ? [] : [new URL(`http://${endpoint}`).hostname]
}

/** An application may have several servers without a socket. */
function freeName(streams: CompanionHost, name: string): string {
  const { companions } = streams.status()
  let free = name
  for (let number = 2; companions.has(free); number++) free = `${name} ${number}`
  return free
}

/** Returns the settings of the server for people who look at it: of tokens and keys, only that there are some. */
function shownSettings(streams: CompanionHost, given: ServerOptions): readonly (readonly [string, string])[] {
  const { listen = '8080', auth, tls, hosts = [], cors = [], deadLetters = false } = given
  const advertised = streams.instances().find(({ isLocal }) => isLocal)?.endpoint
  return [
    ['listen', String(listen)],
    ['advertise', advertised ?? 'nothing'],
    ['auth', auth === undefined ? 'none on the loopback address' : typeof auth === 'string' ? auth : tokensOf(auth)],
    ['tls', tls === undefined ? 'none' : MASK],
    ['hosts', hosts.join(', ') || 'none'],
    ['cors', cors.join(', ') || 'none'],
    ['deadLetters', String(deadLetters)],
  ]
}

const MASK = '••••••'

function tokensOf({ tokens }: { readonly tokens: readonly ServerToken[] }): string {
  return tokens.map(({ role }) => `${role} ${MASK}`).join(', ')
}

function closed(): MillraceError {
  return new MillraceError('MR_CLOSED', 'the server is closed', { hint: 'Ask another instance.' })
}

function addressOf({ host, port, isEncrypted }: Listener): ServerAddress {
  // A wildcard is no address that a client can call.
  const called = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return { host, port, url: `${isEncrypted ? 'https' : 'http'}://${called}:${port}` }
}

function requireDeadLetters({ id, settings }: Application): void {
  if (settings.deadLetterTopic !== undefined) return
  throw new MillraceError('MR_CONFIG', `the application ${id} has no dead letters that serve() could show`, {
    hint: 'Set deadLetterTopic in defineApp, or leave deadLetters out.',
  })
}

/** Finds a promise that was not awaited, above all. */
function requireStreams(streams: unknown): asserts streams is CompanionHost {
  if (typeof streams === 'object' && streams !== null && 'attach' in streams && 'app' in streams) return
  throw new MillraceError('MR_CONFIG', `serve() was given ${show(streams)} instead of a running application`, {
    hint: 'Give it what Streams.start() returns, once it is awaited: await serve(await Streams.start(app, { log })).',
  })
}
