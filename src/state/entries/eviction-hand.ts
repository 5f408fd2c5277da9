/**
 * Passes over the entries of a map when memory is short, as the hand of a clock does. The next time it goes on where it
 * stopped. The owner of the map decides which entries may go.
 */
export class EvictionHand<E extends { readonly mapKey: unknown }> {
  readonly #entries: Map<unknown, E>
  readonly #goes: (entry: E) => boolean
  #next: Iterator<E> | undefined

  /** @param goes decides whether an entry is removed; if so, it has taken the bytes of the entry off `resident` */
  constructor(entries: Map<unknown, E>, goes: (entry: E) => boolean) {
    this.#entries = entries
    this.#goes = goes
  }

  /** Removes entries until this many bytes fewer are resident. Passes each at most twice: once clears its reference. */
  evict(resident: { readonly bytes: number }, bytes: number): void {
    const target = resident.bytes - bytes
    // A return to the beginning counts as a step, too.
    const most = 2 * this.#entries.size + 2
    for (let steps = 0; resident.bytes > target && steps < most; steps++) {
      this.#next ??= this.#entries.values()
      const next = this.#next.next()
      if (next.done === true) this.#next = undefined
      else if (this.#goes(next.value)) this.#entries.delete(next.value.mapKey)
    }
  }
}
