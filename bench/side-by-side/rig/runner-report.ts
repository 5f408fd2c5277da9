/** What a runner has said of its start and of its stores; times in ms since the epoch. */
export class RunnerReport {
  /** When it processed its first record. */
  first: number | undefined
  /** When it first said that it was running: a member that has no tasks yet says so, too. */
  #running: number | undefined
  /** When it said so with every store that it had begun to restore. */
  #restored: number | undefined
  /** Records that it is known to have processed. */
  processed = 0
  /** Starts of the changelogs' partitions, in their order. */
  readonly restoreStarts: { readonly time: number; readonly partition: number }[] = []
  readonly restored = { records: 0, partitions: 0, until: 0 }
  readonly #whenFirst = Promise.withResolvers<void>()
  readonly #whenRestoring = Promise.withResolvers<void>()
  readonly #whenRunning = Promise.withResolvers<void>()
  readonly #whenRestored = Promise.withResolvers<void>()
  readonly #whenProcessed: { readonly records: number; readonly resolve: () => void }[] = []

  get whenFirst(): Promise<void> {
    return this.#whenFirst.promise
  }

  /** Resolves when the first store begins to be restored. */
  get whenRestoring(): Promise<void> {
    return this.#whenRestoring.promise
  }

  get whenRunning(): Promise<void> {
    return this.#whenRunning.promise
  }

  /** Resolves when everything that was to be restored is, and the runner runs. */
  get whenRestored(): Promise<void> {
    return this.#whenRestored.promise
  }

  /** When it was running with all of its stores; of a runner that had nothing to restore, when it was running. */
  get running(): number | undefined {
    return this.#restored ?? this.#running
  }

  /** Resolves when at least so many records are known to have been processed. */
  async whenProcessed(records: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#whenProcessed.push({ records, resolve })
    await promise
  }

  take([name = '', first = '', second = '', third = '']: readonly string[]): void {
    const time = Number(first)
    switch (name) {
      case 'FIRST':
        this.first = time
        this.#whenFirst.resolve()
        return
      case 'P':
        this.processed = time
        for (const { records, resolve } of this.#whenProcessed) if (time >= records) resolve()
        return
      case 'RESTORE_START':
        this.restoreStarts.push({ time, partition: Number(second) })
        this.#whenRestoring.resolve()
        return
      case 'RESTORE_END':
        this.restored.records += Number(third)
        this.restored.partitions++
        this.restored.until = time
        return
      case 'STATE':
        if (second !== 'RUNNING') return
        this.#running ??= time
        this.#whenRunning.resolve()
        if (this.restored.partitions === 0 || this.restored.partitions < this.restoreStarts.length) return
        this.#restored ??= time
        this.#whenRestored.resolve()
    }
  }

  /** From the first store's begin to the last one's end, ms. */
  get restoreTime(): number {
    const [first] = this.restoreStarts
    return first === undefined ? 0 : Math.max(0, this.restored.until - first.time)
  }
}
