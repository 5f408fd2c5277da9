import type { Clock, TimerHandle } from '../../platform/clock.ts'
import { vitalFiles } from '../../state/engines/engine-files.ts'
import { bootId, writeEnds } from './log-ends.ts'
import type { TopicEnds } from './log-ends.ts'

/** ms from a write to the file that tells of it, at most. */
const INTERVAL = 1000

/** What the file says of a log, as of now. */
interface Kept {
  readonly id: string
  readonly fsync: boolean
  readonly topics: readonly TopicEnds[]
}

/** Keeps the file of a log's ends, behind what is in its engine. */
export class EndsKeeper {
  readonly #directory: string
  readonly #data: string
  readonly #clock: Clock
  readonly #kept: () => Kept
  readonly #onFailure: (error: unknown) => void
  readonly #boot = bootId()
  #timer: TimerHandle | undefined
  #hasFailed = false

  constructor(directory: string, data: string, clock: Clock, kept: () => Kept, onFailure: (error: unknown) => void) {
    this.#directory = directory
    this.#data = data
    this.#clock = clock
    this.#kept = kept
    this.#onFailure = onFailure
  }

  /** The engine has more than the file says. */
  written(): void {
    this.#timer ??= this.#clock.schedule(INTERVAL, () => this.write())
  }

  /**
   * What the engine cannot have any more must be out of the file before it is out of the engine.
   *
   * @param atRest true if the engine is closed
   */
  write(atRest = false): void {
    this.#timer?.cancel()
    this.#timer = undefined
    try {
      const boot = this.#boot === undefined ? {} : { boot: this.#boot }
      writeEnds(this.#directory, { ...this.#kept(), ...boot, files: vitalFiles(this.#data), atRest })
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed) this.#onFailure(error)
      this.#hasFailed = true
    }
  }
}
