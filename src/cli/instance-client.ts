import { MillraceError, messageOf, propertyOf } from '../errors/millrace-error.ts'
import { systemClock } from '../platform/clock.ts'
import { ServerEvents, type SentEvent } from './server-events.ts'
import { printable } from './text.ts'
import { readToken } from './token.ts'

/** Where `millrace run app.ts --http 8080` is reached on its own machine. */
export const LOCAL_URL = 'http://127.0.0.1:8080'

const NDJSON = 'application/x-ndjson'
const EVENT_STREAM = 'text/event-stream'
/** ms without a byte after which a stream of events is taken for cut: a server gives a sign of life each 15 s. */
const LONGEST_SILENCE = 45_000
const TOKEN_HINT = 'Give a token that the server knows, in a file by --token-file or in MILLRACE_TOKEN.'

/** Which instance is asked, and with what. */
export interface InstanceChoice {
  /** `LOCAL_URL` if not given. */
  readonly url?: string
  /** File whose first line is the token; without it, the token is taken from the environment, if there is one. */
  readonly tokenFile?: string
  /** ms that the instance may take for its answer, and for each part of one that is long. */
  readonly timeout: number
}

/** Whether JSON is what was asked for. It need not mind what it reads: an exception is a no. */
type Guard<T> = (value: object) => value is T & object

/** Asks an instance by the routes of its server. What it answers was written by others: it is checked before use. */
export class InstanceClient {
  /** The base of the routes, with a slash at its end. */
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeout: number

  /** @throws MR_CLI_USAGE for a URL with a password; MR_CLI_TOKEN */
  constructor({ url = LOCAL_URL, tokenFile, timeout }: InstanceChoice) {
    const { username, password, origin, pathname } = new URL(url)
    if (username !== '' || password !== '') {
      throw new MillraceError('MR_CLI_USAGE', 'the URL has a user or a password, which everybody on a machine sees', {
        hint: TOKEN_HINT,
      })
    }
    this.#base = `${origin}${pathname.replace(/\/*$/, '/')}`
    this.#timeout = timeout
    const token = readToken(tokenFile)
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  /**
   * Gets JSON, which `isExpected` recognizes.
   *
   * @param path without a slash at its beginning
   * @throws MR_CLI_UNREACHABLE; MR_CLI_ANSWER if it is not what an instance answers; the error that it answers with
   */
  async json<T>(path: string, isExpected: Guard<T>): Promise<T> {
    const { response, text } = await this.#get(path, 'application/json')
    if (response.status !== 200) throw this.#errorIn(response, text)
    const value = parsed(text, isExpected)
    if (value === undefined) throw this.#noInstance(`GET /${path} with something else`)
    return value
  }

  /** Gets text, with one of these statuses. Errors as those of `json` */
  async text(path: string, statuses: readonly number[]): Promise<string> {
    const { response, text } = await this.#get(path, 'text/plain')
    if (statuses.includes(response.status) && isOf(response, 'text/plain')) return text
    throw this.#errorIn(response, text)
  }

  /**
   * Gets rows of JSON, each on a line, some of them at a time: as many as the caller takes. Errors as those of `json`
   *
   * @throws MR_CLI_CUT, while rows are taken, if the line that ends them is missing; the error that it holds
   */
  async rows<T>(path: string, isRow: Guard<T>): Promise<AsyncGenerator<T[], void>> {
    const abort = new AbortController()
    const response = await this.#inTime(abort, this.#fetch(path, NDJSON, abort))
    if (response.status === 200 && isOf(response, NDJSON) && response.body !== null) {
      return this.#linesOf(response.body, isRow, abort)
    }
    const text = await this.#inTime(abort, response.text())
    throw response.status === 200 ? this.#noInstance(`GET /${path} with something else`) : this.#errorIn(response, text)
  }

  /**
   * Gets events for as long as the instance sends them. Errors as those of `json`
   *
   * @param lastId of the last event that was seen: the stream goes on behind it
   * @throws MR_CLI_CUT, while events are taken, when the stream ends; the error that ends it
   */
  async events(path: string, lastId: string | undefined): Promise<AsyncGenerator<SentEvent, void>> {
    const abort = new AbortController()
    const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
    const response = await this.#inTime(abort, this.#fetch(path, EVENT_STREAM, abort, headers))
    if (response.status === 200 && isOf(response, EVENT_STREAM) && response.body !== null) {
      return this.#eventsOf(response.body, abort)
    }
    const text = await this.#inTime(abort, response.text())
    throw response.status === 200 ? this.#noInstance(`GET /${path} with something else`) : this.#errorIn(response, text)
  }

  async *#eventsOf(body: NonNullable<Response['body']>, abort: AbortController): AsyncGenerator<SentEvent, void> {
    const reader = body.getReader()
    const decoder = new TextDecoder()
    const events = new ServerEvents()
    try {
      for (;;) {
        const { done, value } = await this.#inTime(abort, reader.read(), (why) => this.#cut(why), LONGEST_SILENCE)
        if (done) throw this.#cut('the watch was ended')
        for (const event of events.take(decoder.decode(value, { stream: true }))) {
          if (event.event !== 'problem') yield event
          else throw errorOf(parsed(event.data, isProblem) ?? { code: 'MR_CLI_CUT', detail: 'the watch was ended' })
        }
      }
    } finally {
      abort.abort()
    }
  }

  async *#linesOf<T>(
    body: NonNullable<Response['body']>,
    isRow: Guard<T>,
    abort: AbortController,
  ): AsyncGenerator<T[], void> {
    const reader = body.getReader()
    const decoder = new TextDecoder()
    let text = ''
    let count = 0
    try {
      for (;;) {
        const { done, value } = await this.#inTime(abort, reader.read(), (why) => this.#cut(why))
        if (done) throw this.#cut('the line that ends them is missing')
        const lines = (text + decoder.decode(value, { stream: true })).split('\n')
        text = lines.pop() ?? ''
        const end = lines.length === 0 ? undefined : parsed(lines.at(-1)!, isEnd)
        if (end !== undefined) lines.pop()
        const rows = lines.map((line) => parsed(line, isRow))
        if (rows.some((row) => row === undefined)) throw this.#noInstance('a query with something else than rows')
        count += rows.length
        if (rows.length > 0) yield rows as T[]
        if (end === undefined) continue
        if (end.problem !== undefined) throw errorOf(end.problem)
        if (!end.end || end.rows !== count) throw this.#cut(`it gave ${count} of ${end.rows}`)
        return
      }
    } finally {
      abort.abort()
    }
  }

  async #get(path: string, accept: string): Promise<{ readonly response: Response; readonly text: string }> {
    const abort = new AbortController()
    const response = await this.#inTime(abort, this.#fetch(path, accept, abort))
    return { response, text: await this.#inTime(abort, response.text()) }
  }

  #fetch(path: string, accept: string, { signal }: AbortController, more: object = {}): Promise<Response> {
    // The token is for this address alone: redirects are not followed.
    return fetch(this.#base + path, { headers: { ...this.#headers, ...more, accept }, redirect: 'manual', signal })
  }

  /** Waits for a step of an answer, no longer than `timeout`. */
  async #inTime<T>(
    abort: AbortController,
    step: Promise<T>,
    failure = (why: string) => this.#unreachable(why),
    timeout = this.#timeout,
  ): Promise<T> {
    const timer = systemClock.schedule(timeout, () => abort.abort())
    try {
      return await step
    } catch (error) {
      throw failure(abort.signal.aborted ? `none came within ${timeout} ms` : reasonOf(error))
    } finally {
      timer.cancel()
    }
  }

  /** Returns the error that an instance answered with, as a problem of RFC 9457. */
  #errorIn(response: Response, text: string): MillraceError {
    const problem = isOf(response, 'application/problem+json') ? parsed(text, isProblem) : undefined
    if (problem === undefined) return this.#noInstance(`with status ${response.status}`)
    return response.status === 401 ? errorOf({ ...problem, hint: TOKEN_HINT }) : errorOf(problem)
  }

  #noInstance(how: string): MillraceError {
    return new MillraceError('MR_CLI_ANSWER', `what listens at ${this.#base} answers ${how}`, {
      hint: 'Give the URL of an application that runs with --http, of the same version of Millrace.',
    })
  }

  #unreachable(why: string): MillraceError {
    return new MillraceError('MR_CLI_UNREACHABLE', `no answer from ${this.#base}: ${why}`, {
      hint: 'Check the address, and that the application runs there with --http.',
    })
  }

  #cut(why: string): MillraceError {
    return new MillraceError('MR_CLI_CUT', `these are not all rows of ${this.#base}: ${why}`, {
      hint: 'Ask again: the instance, or what stands before it, ended the answer.',
    })
  }
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly hint?: string
}

/** The last line of rows. */
interface End {
  /** False: a problem ended them. */
  readonly end: boolean
  readonly rows: number
  readonly problem?: Problem
}

function isProblem(value: object): value is Problem {
  const { code, detail, hint } = value as Partial<Problem>
  const isHint = hint === undefined || typeof hint === 'string'
  return typeof code === 'string' && /^MR_[A-Z_]+$/.test(code) && typeof detail === 'string' && isHint
}

/** The end of a window is a number. */
function isEnd(value: object): value is End {
  const { end, rows, problem } = value as Partial<End>
  return typeof end === 'boolean' && typeof rows === 'number' && (problem === undefined || isProblem(problem))
}

function errorOf({ code, detail, hint }: Problem): MillraceError {
  return new MillraceError(code, printable(detail), { hint: hint === undefined ? undefined : printable(hint) })
}

function reasonOf(error: unknown): string {
  const cause = propertyOf(error, 'cause') ?? error
  return String(propertyOf(cause, 'code') ?? messageOf(cause))
}

function parsed<T>(text: string, isExpected: Guard<T>): T | undefined {
  try {
    const value = JSON.parse(text) as object
    return isExpected(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isOf(response: Response, type: string): boolean {
  return response.headers.get('content-type')?.split(';')[0]?.trim() === type
}
