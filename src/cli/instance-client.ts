import { MillraceError, messageOf, propertyOf } from '../errors/millrace-error.ts'
import { printable } from './text.ts'
import { readToken } from './token.ts'

/** Where `millrace run app.ts --http 8080` is reached on its own machine. */
export const LOCAL_URL = 'http://127.0.0.1:8080'

/** Which instance is asked, and with what. */
export interface InstanceChoice {
  /** `LOCAL_URL` if not given. */
  readonly url?: string
  /** File whose first line is the token; without it, the token is taken from the environment, if there is one. */
  readonly tokenFile?: string
  /** ms that the instance may take for its answer. */
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
        hint: 'Give a token, in a file by --token-file or in MILLRACE_TOKEN.',
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

  async #get(path: string, accept: string): Promise<{ readonly response: Response; readonly text: string }> {
    try {
      const response = await fetch(this.#base + path, {
        headers: { ...this.#headers, accept },
        // The token is for this address alone.
        redirect: 'manual',
        signal: AbortSignal.timeout(this.#timeout),
      })
      return { response, text: await response.text() }
    } catch (error) {
      throw this.#unreachable(error)
    }
  }

  /** Returns the error that an instance answered with, as a problem of RFC 9457. */
  #errorIn(response: Response, text: string): MillraceError {
    const problem = isOf(response, 'application/problem+json') ? problemOf(text) : undefined
    if (problem === undefined) return this.#noInstance(`with status ${response.status}`)
    const { code, detail, hint } = problem
    return new MillraceError(code, printable(detail), {
      hint:
        response.status === 401
          ? 'Give a token that the server knows, in a file by --token-file or in MILLRACE_TOKEN.'
          : hint && printable(hint),
    })
  }

  #noInstance(how: string): MillraceError {
    return new MillraceError('MR_CLI_ANSWER', `what listens at ${this.#base} answers ${how}`, {
      hint: 'Give the URL of an application that runs with --http, of the same version of Millrace.',
    })
  }

  #unreachable(error: unknown): MillraceError {
    const isLate = propertyOf(error, 'name') === 'TimeoutError'
    const cause = propertyOf(error, 'cause') ?? error
    const why = isLate ? `none came within ${this.#timeout} ms` : String(propertyOf(cause, 'code') ?? messageOf(cause))
    return new MillraceError('MR_CLI_UNREACHABLE', `no answer from ${this.#base}: ${why}`, {
      hint: 'Check the address, and that the application runs there with --http.',
    })
  }
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly hint?: string
}

function problemOf(text: string): Problem | undefined {
  return parsed(text, (value): value is Problem => {
    const { code, detail, hint } = value as Partial<Problem>
    const isHint = hint === undefined || typeof hint === 'string'
    return typeof code === 'string' && /^MR_[A-Z_]+$/.test(code) && typeof detail === 'string' && isHint
  })
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
