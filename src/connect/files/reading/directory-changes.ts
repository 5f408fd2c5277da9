import { watch, type FSWatcher } from 'node:fs'
import { systemClock } from '../../../platform/clock.ts'

/** Time in which changes are collected, ms: a log to which every line is written by itself is not read line by line. */
const PAUSE = 10

/**
 * Waits for changes in a directory. The system's notices come at once; where there are none, as on network file
 * systems and below the directory, the caller looks again after its interval.
 */
export class DirectoryChanges {
  #watcher: FSWatcher | undefined
  #hasChanged = false
  #wake: (() => void) | undefined

  constructor(directory: string) {
    try {
      this.#watcher = watch(directory, { persistent: false }, () => this.#changed())
      this.#watcher.on('error', () => this.close())
    } catch {
      // The directory may not exist yet, or the system has no more watches: the interval is left.
    }
  }

  /** Resolves after a change, after `interval` ms, or when the signal aborts. */
  async wait(interval: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged) await this.#timer(interval, signal)
    if (this.#hasChanged) await this.#timer(PAUSE, signal)
    this.#hasChanged = false
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #changed(): void {
    if (this.#hasChanged) return
    this.#hasChanged = true
    this.#wake?.()
  }

  async #timer(delay: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = systemClock.schedule(delay, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
      signal.addEventListener('abort', this.#wake, { once: true })
    })
    if (this.#wake !== undefined) signal.removeEventListener('abort', this.#wake)
    this.#wake = undefined
  }
}
