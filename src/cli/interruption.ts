/** SIGINT and SIGTERM as the end that a user wants: the command finishes what it has begun. A second one kills it. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController()
  readonly #abort = (): void => this.#controller.abort()

  constructor() {
    process.once('SIGINT', this.#abort).once('SIGTERM', this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#abort).off('SIGTERM', this.#abort)
  }
}
