import type { StreamsState } from './streams-status.ts'

/** The state of an application: which comes after which, and who waits for the next one. */
export class ApplicationState {
  #current: StreamsState = 'created'
  readonly #onState: ((state: StreamsState, previous: StreamsState) => void) | undefined
  readonly #watchers: (() => void)[] = []

  constructor(onState: ((state: StreamsState, previous: StreamsState) => void) | undefined) {
    this.#onState = onState
  }

  get current(): StreamsState {
    return this.#current
  }

  /** True while it works, or is about to. */
  get isAtWork(): boolean {
    return this.#current === 'rebalancing' || this.#current === 'running'
  }

  get hasEnded(): boolean {
    return this.#current === 'not-running' || this.#current === 'error'
  }

  /** Nothing follows the end, and only `error` follows `pending-error`: what does not is ignored. */
  enter(state: StreamsState): void {
    const previous = this.#current
    if (state === previous || this.hasEnded) return
    if (previous === 'pending-error' && state !== 'error') return
    this.#current = state
    this.#onState?.(state, previous)
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  /** Resolves when another state has been entered. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve))
  }
}
