import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type Log, type LogReader, type RecordCursor } from '../../log/log.ts'
import type { Clock, TimerHandle } from '../../platform/clock.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { RawInput } from '../../record/raw-input.ts'
import { rawInput } from '../input/raw-input.ts'

interface Place {
  /** Offset of the record that was looked for last. */
  offset: number
  /** Batches that were polled. Only the first has been begun. */
  readonly cursors: RecordCursor[]
}

/** ms to wait for one record. */
const PATIENCE = 30_000
/** ms without a look-up after which the reader is closed. */
const IDLE = 5_000
/** Little: records are looked for one by one, and most lie close together. */
const FETCH_BYTES = 1 << 20

/**
 * Reads input records again after tasks have processed them: what was written for them was refused later, and the bytes
 * of processed records are not kept. Look-ups in the order of offsets take one pass.
 */
export class InputLookup {
  readonly #log: Log
  readonly #clock: Clock
  #reader: LogReader | undefined
  /** One place for each partition, because look-ups alternate between partitions. */
  readonly #places = new PartitionMap<Place>()
  #before: Promise<unknown> | undefined
  #idle: TimerHandle | undefined
  #isClosed = false

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Returns the record, at once if the log is in this process; undefined if it is gone. @throws MR_LOG_UNREACHABLE */
  find(topic: string, partition: number, offset: number): MaybePromise<RawInput | undefined> {
    if (this.#before === undefined && !this.#isClosed) {
      const found = this.#look(topic, partition, offset)
      if (found !== 'not yet') return found
      if (this.#log.kind !== 'kafka') return undefined
    }
    const previous = this.#before ?? Promise.resolve()
    const found = previous.then(() => this.#await(topic, partition, offset))
    const settled = found
      .catch(() => undefined)
      .then(() => {
        if (this.#before === settled) this.#before = undefined
      })
    this.#before = settled
    return found
  }

  /** Gives up what is still being looked for. */
  close(): void {
    this.#isClosed = true
    this.#release()
  }

  #release(): void {
    this.#idle?.cancel()
    void this.#reader?.close()
    this.#reader = undefined
    this.#places.clear()
  }

  async #await(topic: string, partition: number, offset: number): Promise<RawInput | undefined> {
    let isOver = false
    const patience = this.#clock.schedule(PATIENCE, () => (isOver = true))
    try {
      // Once closed, a look-up would open a reader that nothing closes.
      while (!this.#isClosed) {
        const found = this.#look(topic, partition, offset)
        if (found !== 'not yet') return found
        if (isOver) break
        await this.#arrival(topic, partition)
      }
    } finally {
      patience.cancel()
    }
    throw new MillraceError('MR_LOG_UNREACHABLE', 'an input record could not be read again', {
      topic,
      partition,
      offset,
      hint: 'What was written for it was refused, and the error handler needs the record. It is tried again.',
    })
  }

  /** Resolves when there may be something to poll, or soon. A paused partition fails no other look-up. */
  async #arrival(topic: string, partition: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.schedule(100, resolve)
    this.#reader?.resume(topic, partition)
    this.#reader?.onReady(resolve)
    await promise
    timer.cancel()
    this.#reader?.onReady(undefined)
    this.#reader?.pause(topic, partition)
  }

  #look(topic: string, partition: number, offset: number): RawInput | undefined | 'not yet' {
    const reader = (this.#reader ??= this.#log.openReader({ fetchBytes: FETCH_BYTES }))
    this.#closeWhenIdle()
    let place = this.#places.get(topic, partition)
    if (place === undefined || offset < place.offset) {
      reader.assign(topic, partition, offset)
      place = { offset, cursors: [] }
      this.#places.set(topic, partition, place)
    }
    place.offset = offset
    const { cursors } = place
    try {
      // What has arrived since the last question may be in none of the cursors at hand.
      for (let hasPolled = false; ; hasPolled = true) {
        for (let cursor = cursors[0]; cursor !== undefined; cursor = cursors[0]) {
          while (cursor.offset < offset && cursor.next());
          if (cursor.offset === offset) return rawInput(cursor)
          if (cursor.offset > offset) return undefined
          cursors.shift()
        }
        if (hasPolled) break
        // Other partitions are paused, and keep what was fetched for them within the reader's bounds.
        reader.resume(topic, partition)
        reader.poll((...[from, number, cursor]) => this.#places.get(from, number)?.cursors.push(cursor))
        reader.pause(topic, partition)
      }
    } catch (error) {
      this.#release()
      if (error instanceof MillraceError && error.code === 'MR_OFFSET_OUT_OF_RANGE') return undefined
      throw error
    }
    return (reader.position(topic, partition) ?? 0) > offset ? undefined : 'not yet'
  }

  #closeWhenIdle(): void {
    this.#idle?.cancel()
    this.#idle = this.#clock.schedule(IDLE, () => this.#release())
  }
}
