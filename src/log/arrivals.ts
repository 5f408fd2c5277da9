import type { LogReader, RecordCursor } from './log.ts'

/** Polls a reader and waits for what it has next, so that nothing that arrives between the two is missed. */
export class Arrivals {
  readonly #reader: LogReader
  #wake: () => void = () => {}
  #arrived: Promise<void> = Promise.resolve()
  /** Ends the wait that is under way. */
  readonly wake = (): void => this.#wake()

  constructor(reader: LogReader) {
    this.#reader = reader
    reader.onReady(this.wake)
  }

  /** Hands over what has arrived, as `LogReader.poll` does. */
  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    // The promise is made before polling: what arrives after that resolves it.
    this.#arrived = new Promise((resolve) => (this.#wake = resolve))
    return this.#reader.poll(receive)
  }

  /** Resolves when something has arrived since the last poll, or `wake` was called. */
  get next(): Promise<void> {
    return this.#arrived
  }
}
