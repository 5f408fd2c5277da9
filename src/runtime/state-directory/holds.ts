/** Which tasks of an application are open in this process, so that none is opened twice. */
export interface Holds {
  has(task: string): boolean
  /** False if somebody has it. */
  take(task: string): boolean
  /** Gives back what was taken here, and tells who listens. */
  free(task: string): void
  /** Calls `freed` after each task that is free again, wherever it was held, until the answer is called. */
  onFree(freed: (task: string) => void): () => void
}

/** For stream threads that share one event loop. */
export class LoopHolds implements Holds {
  readonly #held = new Set<string>()
  readonly #listeners = new Set<(task: string) => void>()

  has(task: string): boolean {
    return this.#held.has(task)
  }

  take(task: string): boolean {
    if (this.#held.has(task)) return false
    this.#held.add(task)
    return true
  }

  free(task: string): void {
    if (this.#held.delete(task)) for (const freed of this.#listeners) freed(task)
  }

  onFree(freed: (task: string) => void): () => void {
    this.#listeners.add(freed)
    return () => void this.#listeners.delete(freed)
  }
}
