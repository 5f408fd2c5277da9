import { signal } from '@preact/signals'

/** What a token is for. Dead letters have tokens of their own. */
export type Scope = 'data' | 'dead-letters'

/** What the server answers in place of what was asked for. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly hint: string | undefined

  constructor(code: string, message: string, status: number, hint?: string) {
    super(message)
    this.code = code
    this.status = status
    this.hint = hint
  }

  /** True if a token, or another one, may help. */
  get isAboutTokens(): boolean {
    return this.status === 401 || this.code === 'MR_SERVER_ROLE'
  }
}

/** Tokens live here and nowhere else: they are gone with the page. */
const tokens = signal<Readonly<Partial<Record<Scope, string>>>>({})

export function giveToken(scope: Scope, token: string): void {
  tokens.value = { ...tokens.value, [scope]: token }
}

export function tokenOf(scope: Scope): string | undefined {
  return tokens.value[scope] ?? tokens.value.data
}

/** The server of this page, behind whatever prefix a proxy gives it. */
const server = new URL('../', document.baseURI)

export function urlOf(path: string): URL {
  return new URL(path, server)
}

export interface Asking {
  readonly scope?: Scope
  readonly body?: unknown
  readonly accept?: string
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks the server of this page. @throws Problem; the reason of the signal */
export async function ask(path: string, asking: Asking = {}): Promise<Response> {
  const { scope = 'data', body, accept, signal } = asking
  const token = tokenOf(scope)
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(accept === undefined ? {} : { accept }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...asking.headers,
  }
  const init: RequestInit = { headers, cache: 'no-store' }
  if (signal !== undefined) init.signal = signal
  if (body !== undefined) Object.assign(init, { method: 'POST', body: JSON.stringify(body) })
  let response: Response
  try {
    response = await fetch(urlOf(path), init)
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new Problem('', 'The server does not answer.', 0, 'Look whether the application runs.')
  }
  if (!response.ok) throw await problemOf(response)
  return response
}

export async function askJson<T>(path: string, asking: Asking = {}): Promise<T> {
  const response = await ask(path, { accept: 'application/json', ...asking })
  return (await response.json()) as T
}

export async function problemOf(response: Response): Promise<Problem> {
  const { status } = response
  try {
    const { code, detail, hint } = (await response.json()) as Readonly<Record<string, string | undefined>>
    if (code !== undefined && detail !== undefined) return new Problem(code, detail, status, hint)
  } catch {
    // What stands before the server may answer in its own way.
  }
  return new Problem('', `The server answers ${status}.`, status)
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('', String(error), 0)
}

export interface SentEvent {
  readonly event: string
  readonly data: string
}

/** Reads Server-Sent Events of a response: `EventSource` could not send the token. Comments are left out. */
export async function* eventsOf(response: Response): AsyncGenerator<SentEvent, void> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = /^event: ?(.*)$/m.exec(block)?.[1]
        const data = /^data: ?(.*)$/m.exec(block)?.[1]
        if (event !== undefined) yield { event, data: data ?? '' }
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
