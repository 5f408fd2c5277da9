import { spawn, type ChildProcess } from 'node:child_process'
import { systemClock, type TimerHandle } from '../platform/clock.ts'

/** ms for which files must be quiet before a run: editors and checkouts write several. */
const QUIET = 150

/** Exit code of a process that a signal ended, as shells have it for an interrupt. */
const INTERRUPTED = 130

export interface RunListener {
  /** A run has failed, and none follows before `restart`. */
  failed(outcome: { readonly code: number | null; readonly signal: NodeJS.Signals | null }): void
}

/**
 * Runs a command of this program in a process of its own, one run after another. The process is in a group of its own:
 * Ctrl-C in the terminal reaches only this one, which passes it on once.
 */
export class RestartedRun {
  readonly #args: readonly string[]
  readonly #listener: RunListener
  readonly #over = Promise.withResolvers<number>()
  #child: ChildProcess | undefined
  #timer: TimerHandle | undefined
  #isClosing = false
  #isEnding = false

  /** @param args the command and what is given to it */
  constructor(args: readonly string[], listener: RunListener) {
    this.#args = args
    this.#listener = listener
  }

  /** Resolves with the exit code of the last run: that after `end`, or one that ends by itself without an error. */
  get over(): Promise<number> {
    return this.#over.promise
  }

  start(): void {
    // The channel tells the process when this one is gone, however it ended.
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...this.#args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    })
    this.#child = child
    this.#isClosing = false
    child.once('exit', (code, signal) => this.#ended(code, signal))
  }

  /** Has the run that there is close, and begins the next. */
  restart(): void {
    if (this.#isEnding) return
    this.#timer?.cancel()
    this.#timer = systemClock.schedule(QUIET, () => this.#replace())
  }

  #replace(): void {
    if (this.#child === undefined) return this.start()
    // A second interrupt would end it before it has closed.
    if (this.#isClosing) return
    this.#isClosing = true
    this.#child.kill('SIGINT')
  }

  /** Passes a signal on. No run follows. */
  end(signal: NodeJS.Signals): void {
    this.#isEnding = true
    this.#timer?.cancel()
    if (this.#child === undefined) this.#over.resolve(0)
    else this.#child.kill(signal)
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined
    if (this.#isEnding) this.#over.resolve(code ?? INTERRUPTED)
    else if (this.#isClosing) this.start()
    else if (code === 0) this.#over.resolve(0)
    else this.#listener.failed({ code, signal })
  }
}
