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
import { isMillraceError, messageOf, MillraceError, propertyOf } from '../../errors/millrace-error.ts'
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
    const { format, deadline } = question
    const { application, clock } = this.#options
    const token = await this.#options.token()
    await this.#renew()
    if (token === undefined && this.#pems?.cert === undefined) throw noToken(question.request)
    this.#requireOpen(question)
    const response = await this.#post(
      question,
      Buffer.from(encodeRequest(application, format, question.request)),
      token,
    )
    // The reader of the response gets its errors. Without a listener they would end the process.
    response.on('error', () => {})
    const left = Math.max(0, deadline - clock.monotonic())
    const timer = clock.schedule(left, () => response.destroy(late(question)))
    try {
      const isRows = response.statusCode === 200 && response.headers['content-type'] === PEER_TYPE
      if (!isRows) throw await refusal(response, question)
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

  close(): void {
    this.#isClosed = true
    this.#agents.keys.destroy()
    this.#agents.scans.destroy()
  }

  #requireOpen({ endpoint, request: { store, partition, query } }: PeerQuestion): void {
    if (this.#isClosed) throw new MillraceError('MR_CLOSED', 'the application was closed', { store })
    if (!ENDPOINT.test(endpoint)) {
      throw new MillraceError('MR_QUERY_PEER', `an instance advertises ${endpoint}, which is no HOST:PORT`, { store })
    }
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
  #post(question: PeerQuestion, body: Buffer, token: string | undefined): Promise<IncomingMessage> {
    const { endpoint, request: asked } = question
    const answer = Promise.withResolvers<IncomingMessage>()
    const options: RequestOptions = {
      agent: isOfKeys(asked.query) ? this.#agents.keys : this.#agents.scans,
      method: 'POST',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
        'content-length': body.length,
      },
    }
    const sent =
      this.#pems === undefined
        ? request(`http://${endpoint}${PEER_PATH}`, options)
        : requestByTls(`https://${endpoint}${PEER_PATH}`, options)
    const watch = watched(sent, question, this.#options.clock)
    sent.on('response', (response) => {
      watch.cancel()
      answer.resolve(response)
    })
    sent.on('error', (cause) => {
      watch.cancel()
      answer.reject(unreachable(question, cause))
    })
    sent.end(body)
    return answer.promise
  }
}

/** Connections that stay open. Scans that are read slowly do not keep queries of keys waiting. */
function agentsOf(make: (options: AgentOptions) => Agent): { readonly keys: Agent; readonly scans: Agent } {
  return { keys: make({ keepAlive: true, maxSockets: MOST_CONNECTIONS }), scans: make({ keepAlive: true }) }
}

function isOfKeys({ op }: RowRequest['query']): boolean {
  return op === 'get' || op === 'keys'
}

/** Gives a request up at its deadline, or when there is somebody better to ask. */
function watched(sent: ClientRequest, question: PeerQuestion, clock: Clock): TimerHandle {
  const { deadline, isDoubtful } = question
  let timer: TimerHandle
  const look = (): void => {
    const left = deadline - clock.monotonic()
    if (left <= 0) sent.destroy(late(question))
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
      throw unreachable(this.#question, cause)
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

/** Returns the error of a response that has no rows. */
async function refusal(response: IncomingMessage, { endpoint, request: asked }: PeerQuestion): Promise<MillraceError> {
  const { statusCode: status } = response
  let error: MillraceError | undefined
  try {
    let text = ''
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MOST_PROBLEM) break
    }
    error = errorOf(JSON.parse(text))
  } catch {
    // Whatever listens there is no instance of this application.
  }
  const { store, partition } = asked
  if (status === 401 || status === 403) {
    return new MillraceError('MR_QUERY_PEER_AUTH', `the instance at ${endpoint} does not know this one`, {
      store,
      partition,
      hint: 'Give Streams.start() of every instance the same peerToken, or certificates of the authority in peerCa.',
    })
  }
  // What it says of the request is for its sender, which is this process and not the user.
  if (error?.code === 'MR_SERVER_ROUTE' || error?.code === 'MR_SERVER_REQUEST') {
    return new MillraceError('MR_QUERY_PEER_VERSION', `the instance at ${endpoint} does not know this kind of query`, {
      store,
      partition,
      hint: 'Ask again when the rolling upgrade has come to its end.',
    })
  }
  if (error?.code === 'MR_CLOSED' || error?.code.startsWith('MR_SERVER_') === true) {
    return unreachable({ endpoint, request: asked }, new Error(error.message))
  }
  return (
    error ?? unreachable({ endpoint, request: asked }, new Error(`it answers ${status} without a problem of Millrace`))
  )
}

function late({ endpoint, request: { store, partition } }: PeerQuestion): MillraceError {
  return new MillraceError('MR_QUERY_TIMEOUT', `the instance at ${endpoint} did not answer in time`, {
    store,
    partition,
    hint: 'Ask again, or give the query a longer `timeout`.',
  })
}

function unreachable(question: Pick<PeerQuestion, 'endpoint' | 'request'>, cause: unknown): MillraceError {
  if (isMillraceError(cause)) return cause
  const { endpoint, request: asked } = question
  const why = String(propertyOf(cause, 'code') ?? messageOf(cause))
  const { store, partition } = asked
  return new MillraceError('MR_QUERY_PEER', `the instance at ${endpoint} does not answer: ${why}`, {
    store,
    partition,
    cause,
    hint: 'Ask again. If it goes on, look whether the instance serves what it advertises, and may be connected to.',
  })
}

export function noToken({ store, partition }: RowRequest): MillraceError {
  return new MillraceError(
    'MR_QUERY_PEER_AUTH',
    'another instance has the task, and there is no token to ask it with',
    {
      store,
      partition,
      hint: 'Give Streams.start() of every instance the same peerToken, or ask the instance that has the task.',
    },
  )
}
