import {
  Agent,
  request,
  type AgentOptions,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { Agent as TlsAgent, request as requestByTls } from 'node:https'
import type { PemFiles, Pems } from '../../credentials/pem-files.ts'
import { isMillraceError, messageOf, MillraceError, propertyOf, type ErrorPlace } from '../../errors/millrace-error.ts'
import type { Clock, TimerHandle } from '../../platform/clock.ts'
import type { Opened } from '../ask.ts'
import { readEvents } from '../change-page.ts'
import { readRows } from '../row-page.ts'
import type { RowPage, RowRequest, RowScans } from '../row-request.ts'
import { encodeRequest, errorOf, FrameReader, PEER_PATH, PEER_TYPE } from './wire.ts'

export interface PeerClientOptions {
  readonly application: string
  readonly clock: Clock
  /** Returns the token that the instances share; undefined while there is none. */
  readonly token: () => Promise<string | undefined>
  /** The certificates of a connection by TLS; undefined: it is plain. */
  readonly pems: PemFiles | undefined
}

/** A question to another instance. */
export interface PeerQuestion {
  /** As the group has named it: nothing else is connected to. */
  readonly endpoint: string
  /** The format that the store's rows are taken for. */
  readonly format: string
  readonly request: RowRequest
  /** When nobody waits any more, by the monotonic clock. */
  readonly deadline: number
  /** Asked each second without an answer: whether somebody else should be asked. */
  readonly isDoubtful: () => boolean
}

/** An exchange with another instance. */
interface Exchange {
  /** As the group has named it: nothing else is connected to. */
  readonly endpoint: string
  readonly path: string
  /** JSON to send; undefined: a GET. */
  readonly body: Buffer | undefined
  readonly agent: Agent
  /** What errors say that it is about. */
  readonly place: ErrorPlace
  /** When nobody waits any more, by the monotonic clock. */
  readonly deadline: number
  readonly isDoubtful: () => boolean
}

/** ms without an answer after which an instance is doubted. */
const DOUBT_AFTER = 1000
/** Connections to one instance for queries of keys. Each scan has one of its own beside them. */
const MOST_CONNECTIONS = 64
/** Scans of other instances that are open at a time. */
const MOST_SCANS = 1000
/** What the group names: a name or an address, and a port. */
const ENDPOINT = /^(\[[0-9a-f:.]+\]|[^\s:/?#@%\\[\]]+):\d{1,5}$/i
/** Bytes of a problem that are read. */
const MOST_PROBLEM = 64 * 1024
/** Bytes of a document that are read. */
const MOST_DOCUMENT = 16 * 1024 * 1024

/** Asks other instances, over connections that stay open. */
export class PeerClient {
  readonly #options: PeerClientOptions
  #agents = agentsOf((kept) => new Agent(kept))
  /** What the connections are made with. */
  #pems: Pems | undefined
  #scans = 0
  #isClosed = false

  constructor(options: PeerClientOptions) {
    this.#options = options
  }

  /**
   * @throws MR_QUERY_PEER if the instance does not respond, or closes; MR_QUERY_PEER_AUTH if the instances have
   * different tokens; MR_QUERY_PEER_VERSION if it is of another version; MR_QUERY_LIMIT if too many scans are open;
   * what the instance answers
   */
  async open(question: PeerQuestion): Promise<Opened> {
    const { endpoint, format, deadline, isDoubtful, request: asked } = question
    const { application, clock } = this.#options
    const place = placeOf(asked)
    const token = await this.#prove(place)
    this.#requireOpen(endpoint, place)
    this.#requireRoom(asked)
    const body = Buffer.from(encodeRequest(application, format, asked))
    const agent = isOfKeys(asked.query) ? this.#agents.keys : this.#agents.scans
    const exchange: Exchange = { endpoint, path: PEER_PATH, body, agent, place, deadline, isDoubtful }
    const response = await this.#send(exchange, token)
    const timer = clock.schedule(Math.max(0, deadline - clock.monotonic()), () => response.destroy(late(exchange)))
    try {
      const isRows = response.statusCode === 200 && response.headers['content-type'] === PEER_TYPE
      if (!isRows) throw await refusal(response, exchange)
      const scan = new PeerScan(response, question)
      const page = await scan.next()
      if (page.more !== undefined) {
        this.#scans++
        response.once('close', () => this.#scans--)
      }
      return { page, scans: scan }
    } finally {
      timer.cancel()
    }
  }

  /**
   * Returns a document of another instance: JSON that it shows the others under a path.
   *
   * @param deadline when nobody waits any more, by the monotonic clock
   * @throws as `open` does
   */
  async read(endpoint: string, path: string, deadline: number): Promise<unknown> {
    const { clock } = this.#options
    const place: ErrorPlace = {}
    const token = await this.#prove(place)
    this.#requireOpen(endpoint, place)
    const agent = this.#agents.keys
    const exchange = { endpoint, path, body: undefined, agent, place, deadline, isDoubtful: () => false }
    const response = await this.#send(exchange, token)
    const timer = clock.schedule(Math.max(0, deadline - clock.monotonic()), () => response.destroy(late(exchange)))
    try {
      if (response.statusCode !== 200) throw await refusal(response, exchange)
      return JSON.parse(await textOf(response, MOST_DOCUMENT))
    } catch (cause) {
      response.destroy()
      throw unreachable(exchange, cause)
    } finally {
      timer.cancel()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#agents.keys.destroy()
    this.#agents.scans.destroy()
  }

  /** Returns the token to send, if there is one. Connections are made with the certificates that there are now. */
  async #prove(place: ErrorPlace): Promise<string | undefined> {
    const token = await this.#options.token()
    await this.#renew()
    if (token === undefined && this.#pems?.cert === undefined) throw noToken(place)
    return token
  }

  #requireOpen(endpoint: string, place: ErrorPlace): void {
    if (this.#isClosed) throw new MillraceError('MR_CLOSED', 'the application was closed', place)
    if (ENDPOINT.test(endpoint)) return
    throw new MillraceError('MR_QUERY_PEER', `an instance advertises ${endpoint}, which is no HOST:PORT`, place)
  }

  #requireRoom({ store, partition, query }: RowRequest): void {
    if (isOfKeys(query) || this.#scans < MOST_SCANS) return
    throw new MillraceError('MR_QUERY_LIMIT', `${MOST_SCANS} scans of other instances are open`, {
      store,
      partition,
      hint: 'Read scans to their end, or end them, before more are begun.',
    })
  }

  /** Has new connections made with the certificates that there are now. Those that are in use go on. */
  async #renew(): Promise<void> {
    const { pems } = this.#options
    const current = await pems?.current()
    if (current === undefined || current === this.#pems) return
    this.#pems = current
    this.#agents = agentsOf((kept) => new TlsAgent({ ...kept, ...current }))
  }

  /** Resolves when the head of the response is there. */
  #send(exchange: Exchange, token: string | undefined): Promise<IncomingMessage> {
    const { endpoint, path, agent, body } = exchange
    const answer = Promise.withResolvers<IncomingMessage>()
    const options: RequestOptions = {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
      },
    }
    const sent =
      this.#pems === undefined
        ? request(`http://${endpoint}${path}`, options)
        : requestByTls(`https://${endpoint}${path}`, options)
    const watch = watched(sent, exchange, this.#options.clock)
    sent.on('response', (response) => {
      watch.cancel()
      // The reader of the response gets its errors. Without a listener they would end the process.
      response.on('error', () => {})
      answer.resolve(response)
    })
    sent.on('error', (cause) => {
      watch.cancel()
      answer.reject(unreachable(exchange, cause))
    })
    sent.end(body)
    return answer.promise
  }
}

function placeOf({ store, partition }: RowRequest): ErrorPlace {
  return { store, partition }
}

/** Connections that stay open. Scans that are read slowly do not keep queries of keys waiting. */
function agentsOf(make: (options: AgentOptions) => Agent): { readonly keys: Agent; readonly scans: Agent } {
  return { keys: make({ keepAlive: true, maxSockets: MOST_CONNECTIONS }), scans: make({ keepAlive: true }) }
}

function isOfKeys({ op }: RowRequest['query']): boolean {
  return op === 'get' || op === 'keys'
}

/** Gives a request up at its deadline, or when there is somebody better to ask. */
function watched(sent: ClientRequest, exchange: Exchange, clock: Clock): TimerHandle {
  const { deadline, isDoubtful } = exchange
  let timer: TimerHandle
  const look = (): void => {
    const left = deadline - clock.monotonic()
    if (left <= 0) sent.destroy(late(exchange))
    else if (isDoubtful()) sent.destroy(new Error('no answer, and another one may have the task'))
    else timer = clock.schedule(Math.min(left, DOUBT_AFTER), look)
  }
  timer = clock.schedule(Math.min(Math.max(0, deadline - clock.monotonic()), DOUBT_AFTER), look)
  return { cancel: () => timer.cancel() }
}

/** The rows of one answer: the number of its only scan is 1. */
class PeerScan implements RowScans {
  readonly #response: IncomingMessage
  readonly #frames: FrameReader
  readonly #question: PeerQuestion

  constructor(response: IncomingMessage, question: PeerQuestion) {
    this.#response = response
    this.#frames = new FrameReader(response)
    this.#question = question
  }

  async next(): Promise<RowPage> {
    let frame
    try {
      frame = await this.#frames.next()
      if (frame.kind === 'page') requireWhole(this.#question.request, frame.rows)
    } catch (cause) {
      this.#response.destroy()
      const { endpoint, request: asked } = this.#question
      throw unreachable({ endpoint, place: placeOf(asked) }, cause)
    }
    if (frame.kind === 'failed' || !frame.more) void this.#frames.finish().catch(() => {})
    if (frame.kind === 'failed') throw frame.error
    return { rows: frame.rows, source: frame.source, more: frame.more ? 1 : undefined }
  }

  cancel(): void {
    this.#response.destroy()
  }
}

/** Refuses a page that was garbled on its way: another one may not be. @throws RangeError */
function requireWhole({ query }: RowRequest, rows: Buffer): void {
  if (query.op === 'watch') readEvents(rows)
  else readRows(rows)
}

/** Returns the error of a response that is not what was asked for. */
async function refusal(response: IncomingMessage, exchange: Exchange): Promise<MillraceError> {
  const { endpoint, place } = exchange
  const { statusCode: status } = response
  let error: MillraceError | undefined
  try {
    error = errorOf(JSON.parse(await textOf(response, MOST_PROBLEM)))
  } catch {
    // Whatever listens there is no instance of this application.
  }
  if (status === 401 || status === 403) {
    return new MillraceError('MR_QUERY_PEER_AUTH', `the instance at ${endpoint} does not know this one`, {
      ...place,
      hint: 'Give Streams.start() of every instance the same peerToken, or certificates of the authority in peerCa.',
    })
  }
  // What it says of the request is for its sender, which is this process and not the user.
  if (error?.code === 'MR_SERVER_ROUTE' || error?.code === 'MR_SERVER_REQUEST') {
    return new MillraceError('MR_QUERY_PEER_VERSION', `the instance at ${endpoint} does not know this kind of query`, {
      ...place,
      hint: 'Ask again when the rolling upgrade has come to its end.',
    })
  }
  if (error?.code === 'MR_CLOSED' || error?.code.startsWith('MR_SERVER_') === true) {
    return unreachable(exchange, new Error(error.message))
  }
  return error ?? unreachable(exchange, new Error(`it answers ${status} without a problem of Millrace`))
}

/** Reads a body to its end, or to `most` characters. */
async function textOf(response: IncomingMessage, most: number): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    text += String(chunk)
    if (text.length > most) break
  }
  return text
}

function late({ endpoint, place }: Exchange): MillraceError {
  return new MillraceError('MR_QUERY_TIMEOUT', `the instance at ${endpoint} did not answer in time`, {
    ...place,
    hint: 'Ask again, or give the query a longer `timeout`.',
  })
}

function unreachable({ endpoint, place }: Pick<Exchange, 'endpoint' | 'place'>, cause: unknown): MillraceError {
  if (isMillraceError(cause)) return cause
  const why = String(propertyOf(cause, 'code') ?? messageOf(cause))
  return new MillraceError('MR_QUERY_PEER', `the instance at ${endpoint} does not answer: ${why}`, {
    ...place,
    cause,
    hint: 'Ask again. If it goes on, look whether the instance serves what it advertises, and may be connected to.',
  })
}

export function noToken({ store, partition }: ErrorPlace): MillraceError {
  const what = store === undefined ? 'there is another instance' : 'another instance has the task'
  return new MillraceError('MR_QUERY_PEER_AUTH', `${what}, and there is no token to ask it with`, {
    ...(store === undefined ? {} : { store, partition }),
    hint: 'Give Streams.start() of every instance the same peerToken, or ask the instance that has the task.',
  })
}
