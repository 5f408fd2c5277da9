import { MillraceError } from '../errors/millrace-error.ts'

/** The processor whose callback runs on this thread; null between callbacks and while others process its output. */
let running: CallbackToken | null = null

/** Stands for one processor. */
export interface CallbackToken {
  readonly node: string
}

/**
 * Guards calls that a processor may make only in its callbacks: a call made later, after an `await` or in a timer,
 * belongs to no record and to no commit, and would be lost or done twice.
 */
export class CallbackScope {
  readonly #token: CallbackToken
  readonly #task: string

  constructor(node: string, task: string) {
    this.#token = { node }
    this.#task = task
  }

  /** Begins a callback. Returns a value that must be given to `leave` when the callback ends, however it ends. */
  enter(): CallbackToken | null {
    const outer = running
    running = this.#token
    return outer
  }

  leave(outer: CallbackToken | null): void {
    running = outer
  }

  /** Lets other processors run until `enter`. */
  pause(): void {
    running = null
  }

  /** @throws MR_OUTSIDE_CALLBACK unless a callback of this processor is running */
  check(what: string, store?: string): void {
    if (running !== this.#token) throw this.#outside(what, store)
  }

  #outside(what: string, store: string | undefined): MillraceError {
    return new MillraceError('MR_OUTSIDE_CALLBACK', `${what} was called outside of the callbacks of its processor`, {
      node: this.#token.node,
      task: this.#task,
      store,
      hint:
        'Call it in init, process, close or a punctuator, before they return. ' +
        'A call after an await, in a timer, or in another processor changes nothing.',
    })
  }
}
