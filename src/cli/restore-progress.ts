import { SingleBar } from 'cli-progress'
import { systemClock } from '../platform/clock.ts'
import type { Logger } from '../application/application.ts'
import type { RestoreListener, RestoreProgress } from '../runtime/restore/restorer.ts'
import type { Terminal } from './terminal.ts'

/** Milliseconds between two lines if there is no terminal to draw a bar on. */
const LINE_EVERY = 2000

/**
 * Shows the progress of the restore of all stores: one bar on a terminal, otherwise a line from time to time, or the
 * messages of a logger. Restores that replay nothing are not shown.
 */
export class RestoreReport {
  readonly #terminal: Terminal
  readonly #logger: Logger | undefined
  readonly #active = new Map<string, RestoreProgress>()
  #bar: SingleBar | undefined
  #finished = 0
  #records = 0
  #lastLine = -Infinity

  constructor(terminal: Terminal, logger: Logger | undefined) {
    this.#terminal = terminal
    this.#logger = logger
  }

  /** True while the bar is drawn: a status line would be written into it. */
  get isDrawing(): boolean {
    return this.#bar !== undefined
  }

  readonly listener: RestoreListener = (event, progress) => {
    if (progress.from >= progress.end) return
    const key = `${progress.topic}/${progress.partition}`
    if (event === 'end') {
      this.#active.delete(key)
      this.#logger?.info(progress, 'restored')
      this.#finished += progress.end - progress.from
      this.#records += progress.records
    } else {
      this.#active.set(key, progress)
    }
    if (this.#active.size === 0) this.#finish()
    else this.#show()
  }

  /** Removes the bar, if the restore was interrupted. */
  stop(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }

  #show(): void {
    let done = this.#finished
    let total = this.#finished
    for (const { from, end, position } of this.#active.values()) {
      done += position - from
      total += end - from
    }
    if (this.#terminal.isInteractive && this.#logger === undefined) {
      if (this.#bar === undefined) {
        this.#terminal.clearStatus()
        this.#bar = new SingleBar({
          format: 'restoring [{bar}] {percentage}% | {value}/{total} offsets | {stores} stores',
          stream: process.stderr,
          hideCursor: true,
          clearOnComplete: true,
        })
        this.#bar.start(total, done, { stores: this.#active.size })
        return
      }
      this.#bar.setTotal(total)
      this.#bar.update(done, { stores: this.#active.size })
      return
    }
    const now = systemClock.monotonic()
    if (now - this.#lastLine < LINE_EVERY) return
    this.#lastLine = now
    const stores = this.#active.size
    if (this.#logger !== undefined) this.#logger.info({ done, total, stores }, 'restoring')
    else this.#terminal.line(`restoring: ${done} of ${total} offsets, ${stores} stores to go`)
  }

  #finish(): void {
    this.stop()
    if (this.#logger === undefined) this.#terminal.line(`restored: ${this.#records} records`)
    this.#finished = 0
    this.#records = 0
  }
}
