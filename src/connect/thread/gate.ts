/** Lets those who ask pass, or makes them wait until it is opened. */
export class Gate {
  #isOpen = true
  #opened = Promise.withResolvers<void>()

  get isOpen(): boolean {
    return this.#isOpen
  }

  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#opened.resolve()
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#opened = Promise.withResolvers()
  }

  /** Resolves when it is open. The caller looks again: it may have been closed since. */
  get opened(): Promise<void> | undefined {
    return this.#isOpen ? undefined : this.#opened.promise
  }
}
