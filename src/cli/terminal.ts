import type { WriteStream } from 'node:tty'

/**
 * Standard error as the command uses it: lines that stay and, on a terminal, one status line below them that is
 * overwritten. Elsewhere the status is a line like any other, so that a log file shows the same.
 */
export class Terminal {
  readonly #stream: WriteStream | NodeJS.WritableStream
  readonly isInteractive: boolean
  #status = ''

  constructor(stream: WriteStream | NodeJS.WritableStream) {
    this.#stream = stream
    this.isInteractive = 'isTTY' in stream && stream.isTTY
    // A full disk or a reader that is gone must not end the application: only lines are lost.
    stream.on('error', () => {})
  }

  line(text: string): void {
    this.#stream.write(`${this.#erased()}${text}\n${this.#status}`)
  }

  status(text: string): void {
    if (!this.isInteractive) {
      this.#stream.write(`${text}\n`)
      return
    }
    const erased = this.#erased()
    this.#status = text.slice(0, Math.max(20, this.#columns() - 1))
    this.#stream.write(erased + this.#status)
  }

  /** Removes the status line. */
  clearStatus(): void {
    const erased = this.#erased()
    this.#status = ''
    if (erased !== '') this.#stream.write(erased)
  }

  #erased(): string {
    return this.#status === '' ? '' : '\r\u001b[2K'
  }

  #columns(): number {
    return 'columns' in this.#stream ? this.#stream.columns : 80
  }
}
