import { MillraceError } from '../../errors/millrace-error.ts'

/** The watches that a server carries, of which there are at most so many. They end with the server. */
export class Watches {
  readonly #most: number
  readonly #open = new Set<AbortController>()
  readonly #ends = new Set<() => void>()
  #isClosed = false

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#open.size
  }

  /** Counts one more. `end` must follow. @throws MR_QUERY_LIMIT, MR_CLOSED */
  begin(): AbortController {
    if (this.#isClosed) throw closed()
    if (this.#open.size >= this.#most) {
      throw new MillraceError('MR_QUERY_LIMIT', `${this.#most} watches are open in this server`, {
        hint: 'Ask again later, ask another instance, or raise limits.watches of serve().',
      })
    }
    const abort = new AbortController()
    this.#open.add(abort)
    return abort
  }

  end(abort: AbortController): void {
    this.#open.delete(abort)
    abort.abort()
  }

  /** Has a function called when the server closes. Returns one that takes that back. */
  beforeClose(end: () => void): () => void {
    this.#ends.add(end)
    return () => void this.#ends.delete(end)
  }

  /** Ends all of them, each with MR_CLOSED. */
  close(): void {
    this.#isClosed = true
    for (const abort of this.#open) abort.abort(closed())
    for (const end of this.#ends) end()
  }
}

function closed(): MillraceError {
  return new MillraceError('MR_CLOSED', 'the server is closed', { hint: 'Ask another instance.' })
}
