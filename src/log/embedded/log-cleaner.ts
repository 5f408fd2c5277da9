import { isPromise } from '../../platform/maybe-promise.ts'
import type { Clock, TimerHandle } from '../../platform/clock.ts'
import { needsCompaction, retentionOf } from './cleanup-policy.ts'
import { Compaction } from './compaction.ts'
import type { EmbeddedPartition } from './embedded-partition.ts'
import type { EmbeddedStorage } from './embedded-storage.ts'
import { RetainedBytes } from './retained-bytes.ts'

/** Milliseconds after which partitions are looked at again. */
const INTERVAL_MS = 15_000
/** Milliseconds between two steps of work, so that processing goes on. */
const PAUSE_MS = 5
/** Approximate bytes of runs that one retention step looks at. */
const STEP_BYTES = 1024 * 1024

/** Carries out `cleanup.policy` in the background in steps of bounded work, each a write in order with the commits. */
export class LogCleaner {
  readonly #storage: EmbeddedStorage
  readonly #clock: Clock
  readonly #warn: (fields: object, message: string) => void
  readonly #unreadable = new WeakSet<EmbeddedPartition>()
  readonly #retained = new WeakMap<EmbeddedPartition, RetainedBytes>()
  #timer: TimerHandle | undefined
  #compaction: Compaction | undefined
  #stopped = false

  /** @param warn called for a partition that cannot be read */
  constructor(storage: EmbeddedStorage, clock: Clock, warn: (fields: object, message: string) => void) {
    this.#storage = storage
    this.#clock = clock
    this.#warn = warn
  }

  start(): void {
    this.#schedule(PAUSE_MS)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #schedule(delayMs: number): void {
    if (!this.#stopped) this.#timer = this.#clock.schedule(delayMs, () => this.#run())
  }

  #run(): void {
    if (this.#storage.hasFailed) return
    const didWork = this.#step()
    const delay = didWork ? PAUSE_MS : INTERVAL_MS
    const settled = this.#storage.settled()
    if (isPromise(settled)) {
      // Everybody who commits gets the error of a failed write.
      settled.then(
        () => this.#schedule(delay),
        () => this.stop(),
      )
    } else this.#schedule(delay)
  }

  /** Returns true if there was something to do. */
  #step(): boolean {
    const compaction = this.#compaction
    // The topic may have been deleted: what a compaction writes after that would stay for ever.
    if (compaction !== undefined && this.#storage.has(compaction.partition))
      return this.#attempt(compaction.partition, () => this.#compact(compaction))
    this.#compaction = undefined
    const now = this.#clock.now()
    for (const partition of this.#storage.partitions) {
      if (this.#attempt(partition, () => this.#begin(partition, now))) return true
    }
    return false
  }

  /** Leaves an unreadable partition as it is: its readers get the error, and a timer must not end the process. */
  #attempt(partition: EmbeddedPartition, act: () => boolean): boolean {
    if (this.#unreadable.has(partition)) return false
    try {
      return act()
    } catch (err) {
      this.#compaction = undefined
      this.#unreadable.add(partition)
      const { topic, partition: index } = partition
      this.#warn({ topic, partition: index, err }, 'the partition cannot be read, so it is not cleaned up any more')
      return false
    }
  }

  #begin(partition: EmbeddedPartition, now: number): boolean {
    if (this.#expire(partition, now)) return true
    if (!needsCompaction(partition)) return false
    this.#compaction = new Compaction(partition, now)
    return true
  }

  #compact(compaction: Compaction): true {
    const { write, done } = compaction.step()
    if (write !== undefined) this.#storage.addChore(write)
    if (done) this.#compaction = undefined
    return true
  }

  /**
   * Deletes the first runs if all their records are too old, or if what is left of the partition still has the bytes
   * that it may keep. The last run always stays. Returns true if there was something to do.
   */
  #expire(partition: EmbeddedPartition, now: number): boolean {
    const { age, bytes } = retentionOf(partition)
    if (age === Infinity && bytes === Infinity) return false
    const retained = bytes === Infinity ? undefined : this.#retainedOf(partition)
    if (retained?.count(partition, STEP_BYTES) === true) return true
    if (partition.startOffset >= partition.lastRunBase) return false
    const oldest = Math.min(now, partition.maxTimestamp) - age
    const surplus = retained === undefined ? 0 : retained.bytes - bytes
    let start = partition.startOffset
    let deleted = 0
    for (const run of partition.storedRuns(start, STEP_BYTES)) {
      const isDue = run.maxTimestamp < oldest || deleted + run.end <= surplus
      if (!isDue || run.base >= partition.lastRunBase) break
      start = run.base + run.span
      deleted += run.end
    }
    if (start === partition.startOffset) return false
    retained?.deleted(start, deleted)
    this.#storage.truncate(partition, start)
    return true
  }

  #retainedOf(partition: EmbeddedPartition): RetainedBytes {
    let retained = this.#retained.get(partition)
    if (retained === undefined) this.#retained.set(partition, (retained = new RetainedBytes()))
    return retained
  }
}
