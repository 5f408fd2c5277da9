/** The tasks of an application that are open in this process, so that none is opened twice. */
export interface Holds {
  has(task: string): boolean
  /** Returns false if the task is held already. */
  take(task: string): boolean
  /** Gives back a task that was taken here, and notifies the listeners. */
  free(task: string): void
  /** Calls `freed` after each task that is free again, wherever it was held, until the returned function is called. */
  onFree(freed: (task: string) => void): () => void
}

/** Holds of stream threads that share one event loop. */
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
