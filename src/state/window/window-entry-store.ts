import type { Headers } from '../../record/headers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StatePlace } from '../environment.ts'
import { Retention } from '../segment-retention.ts'
import type { Entry, WindowCursor, WindowFlushListener, WindowState } from '../states.ts'
import type { WindowStoreSpec } from '../../topology/store-spec.ts'
import { TimedEntryStore } from './timed-entry-store.ts'
import type { TimedEntry } from './timed-entry.ts'

/** Window store: entries by (key, window start, sequence number). */
export class WindowEntryStore<K, V>
  extends TimedEntryStore<K, V, WindowFlushListener<K, V>>
  implements WindowState<K, V>
{
  readonly spec: WindowStoreSpec

  constructor(spec: WindowStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    // Kafka Streams' persistent stores for emit-on-close see one millisecond more than others.
    const inclusive = place.environment.compatible && spec.timeOrdered && spec.persistent
    const retention = new Retention(spec.retention, spec.persistent, inclusive || spec.inclusiveRetention)
    super(spec, place, keySerde, valueSerde, spec.timestamped, retention)
    this.spec = spec
  }

  get(key: K, start: number): Entry<V> | undefined {
    return this.find(key, start, 0)
  }

  put(key: K, start: number, value: V | null, timestamp: number): void {
    const time = this.spec.timestamped ? timestamp : -1
    if (!this.spec.retainDuplicates) this.putAt(key, start, 0, value, time)
    else if (value !== null) this.putAt(key, start, this.#nextSequence(), value, time)
    else if (this.environment.compatible) this.#putNull(key, start, time)
  }

  /** Kafka Streams logs a tombstone, though there is nothing to delete. Only its stores in memory note the time. */
  #putNull(key: K, start: number, time: number): void {
    if (!this.spec.persistent && !this.retention.accept(start)) this.environment.drop('expired', this.name)
    this.change(key, start, this.#nextSequence(), null, time)
  }

  #nextSequence(): number {
    this.sequence = (this.sequence + 1) & 0x7fffffff
    return this.sequence
  }

  fetch(key: K, from: number, to: number, reverse: boolean): WindowCursor<K, V> {
    return this.select(key, from, to, Infinity, reverse)
  }

  fetchAll(from: number, to: number, reverse: boolean): WindowCursor<K, V> {
    return this.selectAll(from, to, reverse)
  }

  protected emit(
    entry: TimedEntry<K, V>,
    newValue: V | null,
    oldValue: V | null,
    timestamp: number,
    headers: Headers,
  ): void {
    this.listener?.(entry.key, entry.time, newValue, oldValue, timestamp, headers)
  }
}
