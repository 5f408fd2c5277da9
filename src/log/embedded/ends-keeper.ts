import type { Clock, TimerHandle } from '../../platform/clock.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { vitalFiles } from '../../engine/files/engine-files.ts'
import type { LogContent } from '../local/log-snapshot.ts'
import { bootId, writeEnds, writeEndsBeside, type LogEnds } from './log-ends.ts'

/** Milliseconds after a write at which the file has it, at most. */
const INTERVAL = 1000

/** The content of the file, as it would be now. */
interface Kept extends LogContent {
  readonly fsync: boolean
}

/** Keeps the file of a log's ends up to date. It is written after the engine: it never has what the engine lacks. */
export class EndsKeeper {
  readonly #directory: string
  readonly #data: string
  readonly #clock: Clock
  readonly #fileMode: FileMode
  readonly #kept: () => Kept
  readonly #onFailure: (error: unknown) => void
  readonly #boot = bootId()
  #timer: TimerHandle | undefined
  #hasFailed = false
  /** True while a write is under way beside this thread. */
  #isBusy = false
  /** True if the engine was written since it began. */
  #isBehind = false
  #isAtRest = false
  /** Counts writes, so that an older one does not replace a newer one. */
  #edition = 0

  constructor(
    { directory, clock, fileMode }: { readonly directory: string; readonly clock: Clock; readonly fileMode: FileMode },
    data: string,
    kept: () => Kept,
    onFailure: (error: unknown) => void,
  ) {
    this.#directory = directory
    this.#data = data
    this.#clock = clock
    this.#fileMode = fileMode
    this.#kept = kept
    this.#onFailure = onFailure
  }

  /** Called when the engine has more than the file. */
  written(): void {
    if (this.#isBusy) this.#isBehind = true
    else this.#timer ??= this.#clock.schedule(INTERVAL, () => this.#writeBeside())
  }

  /** Returns when it is written: what the engine is to delete leaves the file first. @param atRest true when closed */
  write(atRest = false): void {
    this.#edition++
    this.#isAtRest = atRest
    this.#timer?.cancel()
    this.#timer = undefined
    try {
      writeEnds(this.#directory, this.#ends(atRest), this.#fileMode)
      this.#hasFailed = false
    } catch (error) {
      this.#failed(error)
    }
  }

  #writeBeside(): void {
    const edition = ++this.#edition
    const isStillTrue = (): boolean => edition === this.#edition
    this.#timer = undefined
    let ends: Omit<LogEnds, 'format'>
    try {
      ends = this.#ends(false)
    } catch (error) {
      this.#failed(error)
      return
    }
    this.#isBusy = true
    writeEndsBeside(this.#directory, ends, this.#fileMode, isStillTrue, (error) => {
      this.#isBusy = false
      if (error === undefined) this.#hasFailed = false
      else if (isStillTrue()) this.#failed(error)
      if (this.#isBehind && !this.#isAtRest) this.written()
      this.#isBehind = false
    })
  }

  #ends(atRest: boolean): Omit<LogEnds, 'format'> {
    const boot = this.#boot === undefined ? {} : { boot: this.#boot }
    return { ...this.#kept(), ...boot, files: vitalFiles(this.#data), atRest }
  }

  #failed(error: unknown): void {
    if (!this.#hasFailed) this.#onFailure(error)
    this.#hasFailed = true
  }
}
